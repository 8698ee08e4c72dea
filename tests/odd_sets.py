"""Data sets of several lists or as others published them."""

from layout_kinds import LIST, PAIR, TWO, Kind

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
