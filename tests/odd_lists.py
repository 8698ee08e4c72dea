"""Odd lists: their form and columns, and what is in their cells."""

from layout_kinds import (
    LIST,
    TWO,
    listed,
)

NAMES = [
    listed("a list with commas", "a.wav b.wav", LIST, TWO),
    listed(
        "more cells than columns, with semicolons",
        "a.wav b.wav",
        "file;label\na.wav;dog;big\n",
        "has semicolons in quotes",
    ),
    listed("semicolons", "a.wav b.wav", LIST.replace(",", ";"), TWO),
    listed("tabs, in a .tsv", "a.wav b.wav", LIST.replace(",", "\t"), TWO, path="list.tsv"),
    listed("tabs, in a .txt", "a.wav b.wav", LIST.replace(",", "\t"), TWO, path="list.TXT"),
    listed("UTF-8 with a mark and CRLF", "a.wav b.wav", "\ufeff" + LIST.replace("\n", "\r\n"), TWO),
    listed("UTF-16", "a.wav b.wav", LIST.encode("utf-16"), TWO),
    listed(
        "UTF-16, big end first, tabs",
        "a.wav b.wav",
        ("\ufeff" + LIST.replace(",", "\t")).encode("utf-16-be"),
        TWO,
    ),
    listed(
        "names without ending",
        "a.wav b.flac",
        "id,species\na,dog\nb,cat\n",
        {
            "train": {"a.wav": "dog", "b.flac": "cat"},
        },
    ),
    listed(
        "names with sub-folders",
        "audio/x/a.wav audio/y/a.wav",
        "path,label\nx/a.wav,dog\ny/a,cat\n",
        {"train": {"x/a.wav": "dog", "y/a.wav": "cat"}},
    ),
    listed(
        "names with backslashes",
        "audio/x/a.wav audio/x/b.wav",
        "path,label\nx\\a.wav,dog\n.\\x\\b.wav,cat\n",
        {"train": {"x/a.wav": "dog", "x/b.wav": "cat"}},
    ),
    listed(
        "absolute names",
        "audio/a.wav audio/b.wav",
        "path,label\nFOLDER/audio/a.wav,dog\nFOLDER/audio/b.wav,cat\n",
        TWO,
    ),
    listed(
        "absolute names of files elsewhere",
        "../other/x/a.wav ../other/b.wav",
        "path,label\nFOLDER/../other/x/a.wav,dog\nFOLDER/../other/b.wav,cat\n",
        {"train": {"x/a.wav": "dog", "b.wav": "cat"}},
    ),
    listed(
        "names relative to the list's folder",
        "audio/x/a.wav audio/x/b.wav",
        "path,label\n../audio/x/a.wav,dog\n../audio/x/b.wav,cat\n",
        TWO,
        path="lists/list.csv",
    ),
    listed(
        "names relative to the list's folder, which could be any",
        "audio/x/a.wav audio/b.wav",
        "path,label\n../audio/x/a.wav,dog\n../audio/b.wav,cat\n",
        {"train": {"x/a.wav": "dog", "b.wav": "cat"}},
        path="mine/list.csv",
    ),
    listed(
        "bare names in sub-folders",
        "audio/1/a.wav audio/2/b.wav",
        LIST,
        {"train": {"1/a.wav": "dog", "2/b.wav": "cat"}},
    ),
    listed("a bare name in two sub-folders", "1/a.wav 2/a.wav b.wav", LIST, "fits 2 files"),
    listed("one clip by two names", "x/a.wav b.wav", f"{LIST}x/a.wav,dog\n", "is listed again"),
    listed(
        "names in the other Unicode form",
        "B\u00e4r.wav b.wav",
        "file,label\nBa\u0308r,dog\nb,cat\n",
        {
            "train": {"B\u00e4r.wav": "dog", "b.wav": "cat"},
        },
    ),
    listed(
        "leading zeros lost",
        "audio/0001.wav audio/0002.wav",
        "file,label\n1,dog\n2,cat\n",
        "There is 0001.wav: leading zeros are missing",
    ),
    listed("a list beside no sounds", "", LIST, "None of the 2 files"),
    listed("a list without rows", "a.wav", "file,label\n", "has no train clips"),
    listed(
        "a file that is not there",
        "a.wav b.wav",
        LIST + "gone.wav,dog\n",
        {"train": {**TWO["train"], "gone.wav": "dog"}, "absent": ["gone.wav"]},
    ),
    listed(
        "a list without a known column of labels",
        "a.wav b.wav",
        "file,what\na.wav,dog\n",
        "has the labels",
    ),
    listed("a list without file names", "a.wav", "label,number\ndog,1\n", "has the files"),
    listed(
        "the column of files under any name", "a.wav b.wav", LIST.replace("file", "Aufnahme"), TWO
    ),
    listed(
        "columns in other case, with spaces and units",
        "a.wav b.wav",
        "File Name,Class Label,Start (s),End (s)\na.wav,dog,0.5,1\nb.wav,cat,,\n",
        {
            "train": {"a.wav#0.500-1.000": "dog", "b.wav": "cat"},
            "parts": {"a.wav#0.500-1.000": ("a.wav", "0.5", "1")},
            "recordings": {"a.wav#0.500-1.000": "a.wav"},
        },
    ),
    listed(
        "bare names that fit several files, and their paths",
        "x/a.wav y/a.wav x/b.wav",
        "filename,path,label\na.wav,x/a.wav,dog\na.wav,y/a.wav,cat\nb.wav,x/b.wav,cat\n",
        {"train": {"x/a.wav": "dog", "y/a.wav": "cat", "x/b.wav": "cat"}},
    ),
    listed("Excel's line for the separator", "a.wav b.wav", f"sep=,\r\n{LIST}", TWO),
    listed(
        "Excel's line for another separator",
        "a.wav b.wav",
        "\ufeffsep=|\nfile|label\na.wav|dog\nb.wav|cat\n",
        TWO,
    ),
]

CELLS = [
    listed(
        "verified as yes and no",
        "a.wav b.wav",
        "file,label,verified\na,dog,Yes\nb,cat,no\n",
        {**TWO, "unverified": ["b.wav"]},
    ),
    listed(
        "verified as true and false",
        "a.wav b.wav",
        "file,label,manually_verified\na,dog,TRUE\nb,cat,False\n",
        {**TWO, "unverified": ["b.wav"]},
    ),
    listed(
        "several labels in some cells",
        "a.wav b.wav c.wav",
        'file,tags\na,dog\nb,cat\nc,"dog,cat"\n',
        "'dog,cat' lists 2 labels",
    ),
    listed(
        "several labels with semicolons",
        "a.wav b.wav",
        "file\tlabel\na\tdog;cat\nb\tcat\n",
        "lists 2 labels",
    ),
    listed("a separator around one label", "a.wav b.wav", "file\tlabel\na\tdog;\nb\tcat\n", TWO),
    listed(
        "speakers and parts, with decimal commas",
        "s.wav t.wav",
        "file;label;speaker;start;end\n"
        + "".join(f"s.wav;go;p{n};{n},25;{n + 1}\n" for n in range(5))
        + "t.wav;stop;p0;;\n",
        {
            "train": {**{f"s.wav#{n}.250-{n + 1}.000": "go" for n in range(5)}, "t.wav": "stop"},
            "parts": {
                f"s.wav#{n}.250-{n + 1}.000": ("s.wav", f"{n}.25", f"{n + 1}") for n in range(5)
            },
            "recordings": {
                **{f"s.wav#{n}.250-{n + 1}.000": f"p{n}" for n in range(5)},
                "t.wav": "p0",
            },
        },
    ),
    listed(
        "an end before its start",
        "a.wav b.wav",
        "file,label,start,end\na,dog,2,1\nb,cat,,\n",
        "end '1'",
    ),
    listed(
        "a start without an end",
        "a.wav b.wav",
        "file,label,start,end\na,dog,2,\nb,cat,,\n",
        "end ''",
    ),
    listed(
        "a part that is no number",
        "a.wav b.wav",
        "file,label,onset,offset\na,dog,0,inf\nb,cat,,\n",
        "end 'inf'",
    ),
    listed(
        "one part twice",
        "a.wav b.wav",
        "file,label,start,end\na,dog,0.1,1\na.wav,cat,0.100,1.0\nb,cat,,\n",
        "is listed again, after line 2",
    ),
    listed(
        "folds for some",
        "a.wav b.wav c.wav",
        "file,label,fold\na,dog,1\nb,cat,2\nc,cat,\n",
        {
            "train": {**TWO["train"], "c.wav": "cat"},
            "folds": {"a.wav": "1", "b.wav": "2"},
        },
    ),
    listed(
        "folds as names",
        "a.wav b.wav",
        "file,label,fold\na,dog,north\nb,cat,east\n",
        {
            **TWO,
            "folds": {"a.wav": "1", "b.wav": "0"},
        },
    ),
    listed(
        "folds as decimals",
        "a.wav b.wav",
        "file,label,fold\na,dog,3.0\nb,cat,1.0\n",
        {
            **TWO,
            "folds": {"a.wav": "3", "b.wav": "1"},
        },
    ),
    listed(
        "splits",
        "a.wav b.wav c.wav d.wav",
        "file,label,subset\na,dog,train\nb,cat,Validation\nc,cat,test\nd,,test\n",
        {
            **TWO,
            "folds": {"b.wav": "0"},
            "test": ["c.wav", "d.wav"],
        },
    ),
    listed(
        "splits in the column of folds",
        "a.wav b.wav c.wav",
        "file,label,fold\na,dog,train\nb,cat,train\nc,cat,test\n",
        {**TWO, "test": ["c.wav"]},
    ),
    listed(
        "a split that no word says",
        "a.wav b.wav",
        "file,label,split\na,dog,0\nb,cat,1\n",
        "the split is '0'",
    ),
    listed(
        "verified that no word says",
        "a.wav b.wav",
        "file,label,verified\na,dog,yes\nb,cat,perhaps\n",
        "verified is 'perhaps'. Write 1 or 0",
    ),
    listed(
        "comments above the header",
        "a.wav b.wav",
        f"# mine\n{LIST}",
        "should be the names of the columns",
    ),
    listed(
        "one time of many that is no number",
        "a.wav b.wav",
        "file,label,start,end\na,dog,0,1\nb,cat,0:01,0:02\n",
        "start is '0:01'",
    ),
    listed(
        "times in columns with a unit",
        "a.wav b.wav",
        "file,label,start_sec,end_sec\na,dog,0.5,1\nb,cat,,\n",
        {
            "train": {"a.wav#0.500-1.000": "dog", "b.wav": "cat"},
            "parts": {"a.wav#0.500-1.000": ("a.wav", "0.5", "1")},
            "recordings": {"a.wav#0.500-1.000": "a.wav"},
        },
    ),
    listed(
        "a start and a duration",
        "a.wav b.wav",
        "file,label,start,duration\na,dog,0,1\nb,cat,1,1\n",
        "The column 'start' of",
    ),
    listed(
        "an offset and a duration",
        "a.wav b.wav",
        "file,label,offset,duration\na,dog,0,1\nb,cat,1,1\n",
        "The column 'offset' of",
    ),
    listed(
        "times in milliseconds",
        "a.wav b.wav",
        "file,label,Start (ms),End (ms)\na,dog,0,1000\nb,cat,0,900\n",
        "Write both, in seconds",
    ),
    listed(
        "a duration of whole files",
        "a.wav b.wav",
        "file,label,duration\na,dog,1\nb,cat,2\n",
        TWO,
    ),
    listed(
        "two parts less than a millisecond apart",
        "a.wav b.wav",
        "file,label,start,end\na,dog,0.1,0.2\na,cat,0.1002,0.2003\nb,cat,,\n",
        "times of a part that differ by a millisecond",
    ),
    listed(
        "splits in a column of any name",
        "a.wav b.wav c.wav",
        "file,label,Dataset\na,dog,train\nb,cat,train\nc,cat,test\n",
        {**TWO, "test": ["c.wav"]},
    ),
    listed(
        "splits of which some are no words",
        "a.wav b.wav c.wav d.wav",
        "file,label,subset\na,dog,train\nb,cat,train\nc,cat,test\nd,cat,unlabeled\n",
        "the split is 'unlabeled'",
    ),
    listed(
        "splits of which some are empty",
        "a.wav b.wav c.wav d.wav",
        "file,label,set\na,dog,train\nb,cat,train\nc,cat,test\nd,cat,\n",
        "the split is ''",
    ),
    listed(
        "test clips as 1",
        "a.wav b.wav c.wav",
        "file,label,is_test\na,dog,0\nb,cat,0\nc,cat,1\n",
        "the split is '0'",
    ),
    listed(
        "notes with words for splits",
        "a.wav b.wav c.wav",
        "file,label,note\na,dog,train\nb,cat,good\nc,cat,test tone\n",
        {"train": {**TWO["train"], "c.wav": "cat"}},
    ),
    listed(
        "dev beside train and test in a list",
        "a.wav b.wav c.wav",
        "file,label,split\na,dog,train\nb,cat,Dev\nc,cat,test\n",
        {**TWO, "folds": {"b.wav": "0"}, "test": ["c.wav"]},
    ),
    listed(
        "two speakers",
        "a.wav b.wav",
        "file,label,speaker_id\na,dog,p1\nb,cat,p2\n",
        {**TWO, "recordings": {"a.wav": "p1", "b.wav": "p2"}},
    ),
    listed(
        "two sources, which are collections",
        "a.wav b.wav",
        "file,label,source\na,dog,net\nb,cat,mine\n",
        TWO,
    ),
    listed(
        "words for no fold",
        "a.wav b.wav c.wav d.wav e.wav f.wav",
        "file,label,fold\na,dog,1\nb,cat,2\nc,cat,-1\nd,cat,NaN\ne,cat,none\nf,dog,train\n",
        {
            "train": {
                **TWO["train"],
                **dict.fromkeys(["c.wav", "d.wav", "e.wav"], "cat"),
                "f.wav": "dog",
            },
            "folds": {"a.wav": "1", "b.wav": "2"},
        },
    ),
    listed(
        "test among folds",
        "a.wav b.wav c.wav",
        "file,label,fold\na,dog,1\nb,cat,2\nc,cat,test\n",
        "the fold is 'test'",
    ),
    listed(
        "one fold for all test clips",
        "a.wav b.wav c.wav d.wav",
        "file,label,split,fold\na,dog,train,1\nb,cat,train,2\nc,cat,test,10\nd,cat,test,10\n",
        {**TWO, "folds": {"a.wav": "1", "b.wav": "2"}, "test": ["c.wav", "d.wav"]},
    ),
    listed(
        "labels that are numbers, and a feeling",
        "a.wav b.wav",
        "file,label,emotion\na,1,sad\nb,2,sad\n",
        {"train": {"a.wav": "1", "b.wav": "2"}},
    ),
]
