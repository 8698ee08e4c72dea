"""Odd dataset.yamls."""

from layout_kinds import COLUMNS, INIT, LIST, PAIR, Kind, described, link

DESCRIPTIONS = [
    described(
        "every key",
        "audio/a.wav audio/b.wav audio/c.wav more/d.wav",
        f"""
audio: audio
list: clips.csv
columns: {{file: f, label: l, verified: v, fold: k, recording: r, start: s, end: e}}
label_separator: "/"
several_labels: leave_out
test: {{audio: more, list: test.csv, {COLUMNS}}}
""",
        {
            "train": {"a.wav#0.000-1.000": "dog", "b.wav": "cat"},
            "parts": {"a.wav#0.000-1.000": ("a.wav", "0", "1")},
            "recordings": {"a.wav#0.000-1.000": "r1", "b.wav": "r2"},
            "folds": {"a.wav#0.000-1.000": "1", "b.wav": "2"},
            "unverified": ["b.wav"],
            "test": ["d.wav"],
        },
        clips="f,l,v,k,r,s,e\na,dog,1,1,r1,0,1\nb,cat,0,2,r2,,\nc,dog/cat,1,1,r3,,\n",
        test="file,label\nd,owl\n",
    ),
    described(
        "folders of any order",
        "x/r1/dog/1.wav x/r2/cat/2.wav",
        "audio: x\nfolders: [recording, label]\n",
        {
            "train": {"r1/dog/1.wav": "dog", "r2/cat/2.wav": "cat"},
            "recordings": {"r1/dog/1.wav": "r1", "r2/cat/2.wav": "r2"},
        },
    ),
    described(
        "labels from folders, the rest from a list",
        "dog/1.wav cat/2.wav",
        "audio: .\nlist: l.csv\ncolumns: {file: f, fold: k}\nfolders: [label]\n",
        {
            "train": {"dog/1.wav": "dog", "cat/2.wav": "cat"},
            "folds": {"dog/1.wav": "1", "cat/2.wav": "2"},
        },
        l="f,k\ndog/1.wav,1\ncat/2.wav,2\n",
    ),
    described("an unknown key", "a.wav", "audio: .\nfolder: [label]\n", "folder is unknown"),
    described(
        "a key that is misspelled",
        "a.wav",
        "audio: .\nfoldrs: [label]\n",
        "Did you mean 'folders'?",
    ),
    described(
        "a role that is misspelled",
        "a.wav",
        "audio: .\nlist: l.csv\ncolumns: {file: file, lable: label}\n",
        "Did you mean 'label'?",
        l=LIST,
    ),
    described(
        "a column that is misspelled",
        "a.wav",
        "audio: .\nlist: l.csv\ncolumns: {file: file, label: labels}\n",
        "Did you mean 'label'?",
        l=LIST,
    ),
    described(
        "an unknown role", "a.wav", "audio: .\nlist: l.csv\ncolumns: {name: x}\n", "roles are"
    ),
    described(
        "a column that is a number",
        "a.wav",
        "list: l.csv\ncolumns: {file: 1, label: l}\n",
        "in quotes",
    ),
    described("folders that are no list", "a.wav", "audio: .\nfolders: label\n", "such as [label]"),
    described("no labels", "a.wav", "audio: .\n", "nothing says what the labels are"),
    described("no folder", "a.wav", "folders: [label]\n", "names no folder of clips"),
    described(
        "a folder that is absent",
        "a.wav",
        "audio: sounds\nfolders: [label]\n",
        "audio is 'sounds', but there is no such folder",
    ),
    described(
        "a list that is absent",
        "a.wav",
        f"list: l.csv\n{COLUMNS}\n",
        "list is 'l.csv', but there is no such file",
    ),
    described(
        "a column that is absent",
        "a.wav",
        f"list: l.csv\n{COLUMNS}\n",
        "lacks the column 'label'",
        l="file\na\n",
    ),
    described(
        "several labels in a word",
        "a.wav",
        f"list: l.csv\n{COLUMNS}\nseveral_labels: first\n",
        "Write one of",
    ),
    described(
        "several labels without a separator",
        "a.wav",
        f"list: l.csv\n{COLUMNS}\nseveral_labels: leave_out\n",
        "needs a list and its label_separator",
    ),
    described(
        "a separator, and a cell that has it",
        "a.wav b.wav",
        f"list: l.csv\n{COLUMNS}\nlabel_separator: '/'\n",
        "'dog/cat' lists 2 labels",
        l="file,label\na,dog/cat\nb,cat\n",
    ),
    described(
        "test clips in a word",
        "a/b.wav",
        "audio: .\nfolders: [label]\ntest: a\n",
        "no group of keys",
    ),
    described(
        "mistakes in the test clips",
        "a/b.wav",
        "audio: .\nfolders: [label]\ntest: {list: 3}\n",
        "test.list is 3",
    ),
    described("no YAML", "a.wav", "audio: [\n", "is not YAML"),
    described("YAML of another kind", "a.wav", "- a\n", "has a list where keys should be"),
    described(
        "a fold of one kind",
        "a.wav b.wav",
        "list: l.csv\ncolumns: {file: f, label: l, fold: k}\n",
        "There can be 2 to 100",
        l="f,l,k\na,dog,1\nb,cat,1\n",
    ),
    described(
        "150 folds",
        " ".join(f"{n}.wav" for n in range(150)),
        "list: l.csv\ncolumns: {file: f, label: l, fold: k}\n",
        "There can be 2 to 100",
        l="f,l,k\n" + "".join(f"{n},{'dog' if n % 2 else 'cat'},{n}\n" for n in range(150)),
    ),
    described(
        "a split of an unknown word",
        "a.wav b.wav",
        "list: l.csv\ncolumns: {file: f, label: l, split: s}\n",
        "the split is 'later'",
        l="f,l,s\na,dog,train\nb,cat,later\n",
    ),
    described(
        "verified in a word",
        "a.wav b.wav",
        "list: l.csv\ncolumns: {file: f, label: l, verified: v}\n",
        "v is 'perhaps'. Write 1 or 0",
        l="f,l,v\na,dog,yes\nb,cat,perhaps\n",
    ),
    Kind(
        "a dataset.yaml under another name",
        "audio/dog/1.wav audio/cat/2.wav",
        PAIR,
        {"mine.yml": "audio: audio\nfolders: [label]\n"},
        dataset="mine.yml",
    ),
    Kind(
        "a dataset.yaml with sounds elsewhere",
        "audio/dog/1.wav audio/cat/2.wav",
        PAIR,
        {"mine/dataset.yaml": "audio: FOLDER/audio\nfolders: [label]\n"},
        dataset="mine",
    ),
    Kind("nothing that exists", "a.wav", "is not there", dataset="none"),
    Kind("an archive", "a.wav", "is no folder, list", {"set.zip": "PK"}, dataset="set.zip"),
    Kind("a sound file", "a.wav", "is no folder, list", dataset="a.wav"),
    Kind("a folder with a list", "a.wav b.wav", INIT, {"l.csv": LIST}),
    Kind(
        "a dataset.yml",
        "x/dog/1.wav x/cat/2.wav",
        PAIR,
        {"dataset.yml": "audio: x\nfolders: [label]\n"},
    ),
    Kind(
        "a dataset.yaml and a dataset.yml",
        "dog/1.wav cat/2.wav",
        "Keep one of them",
        dict.fromkeys(["dataset.yml", "dataset.yaml"], "audio: .\nfolders: [label]\n"),
    ),
    Kind(
        "a dataset.yaml that is a link to nowhere",
        "dog/1.wav cat/2.wav",
        "dataset.yaml cannot be read",
        make=link("nowhere", "dataset.yaml"),
    ),
    described(
        "the label with the most parents, of a folder",
        "dog/1.wav cat/2.wav",
        "audio: .\nlist: l.csv\ncolumns: {file: f}\nfolders: [label]\nlabel_separator: ','\n"
        "several_labels: most_specific\n",
        "needs a column `label`",
        l="f\ndog/1.wav\ncat/2.wav\n",
    ),
    described(
        "columns without a list",
        "dog/1.wav cat/2.wav",
        "audio: .\ncolumns: {label: category}\n",
        "columns needs a list",
    ),
    described(
        "a role for two folders",
        "x/dog/1.wav x/cat/2.wav",
        "audio: .\nfolders: [label, label]\n",
        "Write each role once",
    ),
    described(
        "test clips by a split and apart",
        "a.wav b.wav c.wav d.wav",
        "list: l.csv\ncolumns: {file: f, label: l, split: s}\n"
        "test: {list: t.csv, columns: {file: f}}\n",
        "has 1 test clips by its splits, such as c.wav",
        l="f,l,s\na,dog,train\nb,cat,train\nc,cat,test\n",
        t="f\nd\n",
    ),
    described(
        "a key that is a list",
        "dog/1.wav",
        "audio: .\n? [folders]\n: [label]\n",
        "where a key should be",
    ),
]
