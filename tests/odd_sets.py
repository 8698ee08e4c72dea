"""Data sets of several lists or as others published them, and odd dataset.yamls."""

from layout_kinds import (
    COLUMNS,
    INIT,
    LIST,
    PAIR,
    TWO,
    Kind,
    described,
    link,
)

SETS = [
    Kind(
        "ESC-50 as it comes",
        " ".join(f"audio/{n}-{n}0032-A-{n}.wav" for n in range(1, 6)),
        {
            "train": {f"{n}-{n}0032-A-{n}.wav": f"class{n}" for n in range(1, 6)},
            "folds": {f"{n}-{n}0032-A-{n}.wav": f"{n}" for n in range(1, 6)},
            "recordings": {f"{n}-{n}0032-A-{n}.wav": f"{n}0032" for n in range(1, 6)},
        },
        {
            "meta/esc50.csv": "filename,fold,target,category,esc10,src_file,take\n"
            + "".join(
                f"{n}-{n}0032-A-{n}.wav,{n},{n},class{n},False,{n}0032,A\n" for n in range(1, 6)
            ),
            "requirements.txt": "numpy\n",
            "LICENSE": "CC",
        },
        init=True,
    ),
    Kind(
        "UrbanSound8K as it comes",
        " ".join(f"audio/fold{n}/{n}-2-0-0.wav" for n in range(1, 11)),
        {
            "train": {
                f"fold{n}/{n}-2-0-0.wav": "siren" if n % 2 else "drilling" for n in range(1, 11)
            },
            "folds": {f"fold{n}/{n}-2-0-0.wav": f"{n}" for n in range(1, 11)},
            "recordings": {f"fold{n}/{n}-2-0-0.wav": f"{n}" for n in range(1, 11)},
        },
        {
            "metadata/UrbanSound8K.csv": "slice_file_name,fsID,start,end,salience,fold,classID,"
            "class\n"
            + "".join(
                f"{n}-2-0-0.wav,{n},0.5,4.5,1,{n},{n % 2},{'siren' if n % 2 else 'drilling'}\n"
                for n in range(1, 11)
            )
        },
        init=True,
    ),
    Kind(
        "FSD50K as it comes",
        "FSD50K.dev_audio/1.wav FSD50K.dev_audio/2.wav FSD50K.dev_audio/3.wav "
        "FSD50K.dev_audio/4.wav FSD50K.dev_audio/5.wav FSD50K.eval_audio/9.wav",
        {
            # Number 4 has two labels with their parents.
            "train": {
                "1.wav": "Acoustic_guitar",
                "2.wav": "Guitar",
                "3.wav": "Bark",
                "5.wav": "Music",
            },
            "folds": {"2.wav": "0"},
            "test": ["9.wav"],
            "others": ["collection_dev.csv"],
        },
        {
            "FSD50K.ground_truth/dev.csv": "fname,labels,mids,split\n"
            '1,"Acoustic_guitar,Guitar,Music","/m/1,/m/2,/m/3",train\n'
            '2,"Guitar,Music","/m/2,/m/3",val\n'
            '3,"Bark,Animal","/m/5,/m/6",train\n'
            '4,"Bark,Animal,Guitar,Music","/m/5,/m/6,/m/2,/m/3",train\n'
            "5,Music,/m/3,train\n",
            "FSD50K.ground_truth/eval.csv": 'fname,labels,mids\n9,"Bark,Animal","/m/5,/m/6"\n',
            "FSD50K.ground_truth/vocabulary.csv": "0,Guitar,/m/2\n1,Bark,/m/5\n",
            "FSD50K.metadata/collection/collection_dev.csv": 'fname,labels,mids\n1,"Guitar",/m/2\n',
        },
        init=True,
    ),
    Kind(
        "Hugging Face audiofolder, with a list in each split",
        "train/1.wav train/2.wav test/1.wav",
        {"train": {"1.wav": "dog", "2.wav": "cat"}, "test": ["1.wav"]},
        {
            "train/metadata.csv": "file_name,label\n1.wav,dog\n2.wav,cat\n",
            "test/metadata.csv": "file_name,label\n1.wav,dog\n",
        },
        init=True,
    ),
    Kind(
        "Hugging Face audiofolder, with one list",
        "data/1.wav data/2.wav",
        {"train": {"data/1.wav": "dog", "data/2.wav": "cat"}},
        {"metadata.csv": "file_name,label\ndata/1.wav,dog\ndata/2.wav,cat\n"},
        init=True,
    ),
    Kind(
        "a list for training and one for testing",
        "audio/1.wav audio/2.wav audio/3.wav",
        {"train": {"1.wav": "dog", "2.wav": "cat"}, "test": ["3.wav"]},
        {
            "train.csv": "filename,scene_label\n1.wav,dog\n2.wav,cat\n",
            "test.csv": "filename,scene_label\n3.wav,dog\n",
        },
        init=True,
    ),
    Kind(
        "DCASE strong labels",
        "audio/a.wav audio/b.wav",
        {
            "train": {
                "a.wav#0.500-1.250": "dog",
                "a.wav#1.000-2.000": "cat",
                "b.wav#0.000-9.900": "cat",
            },
            "parts": {
                "a.wav#0.500-1.250": ("a.wav", "0.5", "1.25"),
                "a.wav#1.000-2.000": ("a.wav", "1", "2"),
                "b.wav#0.000-9.900": ("b.wav", "0", "9.9"),
            },
            "recordings": {
                "a.wav#0.500-1.250": "a.wav",
                "a.wav#1.000-2.000": "a.wav",
                "b.wav#0.000-9.900": "b.wav",
            },
        },
        {
            "metadata/strong.tsv": "filename\tonset\toffset\tevent_label\n"
            "a.wav\t0.5\t1.25\tdog\na.wav\t1.0\t2.0\tcat\nb.wav\t0.0\t9.9\tcat\n"
        },
        init=True,
    ),
    Kind(
        "BirdCLEF, a folder per species and its metadata",
        "train_audio/grewar/XC1.ogg train_audio/lowpew/XC2.ogg",
        {"train": {"grewar/XC1.ogg": "grewar", "lowpew/XC2.ogg": "lowpew"}},
        {
            "train_metadata.csv": "primary_label,secondary_labels,filename\n"
            "grewar,[],grewar/XC1.ogg\nlowpew,\"['grewar']\",lowpew/XC2.ogg\n"
        },
        init=True,
    ),
    Kind(
        "BirdNET: a folder per species, with noise",
        "Parus_SPACE_major_Great_SPACE_Tit/1.wav Background/2.wav",
        {
            "train": {
                "Background/2.wav": "Background",
                "Parus major_Great Tit/1.wav": "Parus major_Great Tit",
            }
        },
    ),
    Kind(
        "Raven's selections",
        "day.wav b.wav",
        {
            "train": {"day.wav#1.500-2.000": "owl", "day.wav#3.000-4.500": "wren"},
            "parts": {
                "day.wav#1.500-2.000": ("day.wav", "1.5", "2"),
                "day.wav#3.000-4.500": ("day.wav", "3", "4.5"),
            },
            "recordings": {"day.wav#1.500-2.000": "day.wav", "day.wav#3.000-4.500": "day.wav"},
        },
        {
            "day.selections.txt": "Selection\tBegin Time (s)\tEnd Time (s)\tBegin File\tSpecies\n"
            "1\t1.5\t2\tday.wav\towl\n2\t3\t4.5\tday.wav\twren\n"
        },
        dataset="day.selections.txt",
    ),
    Kind(
        "a table of lengths beside class folders",
        "dog/1.wav cat/2.wav",
        PAIR,
        {"lengths.csv": "file,seconds\ndog/1.wav,3\ncat/2.wav,4\n"},
    ),
    Kind(
        "a list of all sounds in one folder, with labels in a column of an odd name",
        "audio/1.wav audio/2.wav",
        "has the labels",
        {"all.csv": "file,what\naudio/1.wav,dog\naudio/2.wav,cat\n"},
        init=True,
    ),
    Kind(
        "a list that names other files",
        "audio/0001.wav audio/0002.wav",
        "None of the 2 files",
        {"all.csv": "file,label\n1,dog\n2,cat\n"},
        init=True,
    ),
    Kind(
        "two lists",
        "a.wav b.wav",
        {**TWO, "unverified": ["b.wav"], "others": ["old.csv"]},
        {"old.csv": LIST, "new.csv": "file,label,verified\na.wav,dog,1\nb.wav,cat,0\n"},
        init=True,
    ),
    Kind(
        "a list in Latin-1 beside class folders",
        "dog/1.wav cat/2.wav",
        "is not text in UTF-8",
        {"l.csv": "file,label\ndog/1.wav,V\u00f6gel\ncat/2.wav,cat\n".encode("latin-1")},
    ),
    Kind(
        "a list with a comma too many beside class folders",
        "dog/1.wav cat/2.wav",
        "has 3 cells under 2 columns",
        {"meta/l.csv": "file,label\ndog/1.wav,dog\ncat/2.wav,cat,black\n"},
    ),
    Kind(
        "a list with a comma too many beside another list",
        "a.wav b.wav c.wav",
        "has 3 cells under 2 columns",
        {"train.csv": LIST + "b,cat,black\n", "test.csv": "file,label\nc,cat\n"},
        init=True,
    ),
    Kind(
        "a list most of whose files are absent, beside class folders",
        "dog/1.wav cat/2.wav",
        "Most of the files that",
        {"l.csv": "file,label\ndog/1.wav,owl\ndog/3.wav,owl\ndog/4.wav,owl\n"},
    ),
    Kind(
        "a list all of whose files are absent, beside class folders",
        "dog/1.wav cat/2.wav",
        "Most of the files that",
        {"l.tsv": "file\tlabel\nx/1.wav\towl\n"},
    ),
    Kind(
        "tables of classes and texts beside class folders",
        "dog/1.wav cat/2.wav",
        PAIR,
        {
            "classes.csv": "id,label,text\n0,dog,a pet\n1,cat,a pet\n3,owl,none\n",
            "mine.csv": "some notes\n1,2,3\n",
            "notes.txt": "label,x\n1,2,3\n",
            "old.txt": "file\tlabel\nold/1.wav\tdog\n",
        },
    ),
    Kind(
        "a large table of features beside class folders, damaged beyond its beginning",
        "dog/1.wav cat/2.wav",
        PAIR,
        {"f.csv": "a,b\n" + '"1,5",2\n' * 50_000 + "1,2,3\n"},
    ),
    Kind(
        "results of a run in the folder of sounds",
        "dog/1.wav cat/2.wav",
        PAIR,
        {"results/set/labels.csv": "clip,label\ndog/1.wav,dog\ncat/2.wav,cat\n"},
    ),
]

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
