"""Odd folders of sounds without a list."""

from layout_kinds import (
    NO_CLASSES,
    PAIR,
    Kind,
    link,
    loops,
)

FOLDERS = [
    Kind("a folder per class", "dog/1.wav cat/2.wav", PAIR),
    Kind(
        "class folders with folders, other endings, and names like those of splits",
        "Dog/a/b/1.WAV Dog/2.flac Train/3.Mp3 Train/4.opus",
        {
            "train": {
                "Dog/2.flac": "Dog",
                "Dog/a/b/1.WAV": "Dog",
                "Train/3.Mp3": "Train",
                "Train/4.opus": "Train",
            }
        },
    ),
    Kind(
        "what systems leave in folders",
        "dog/1.wav cat/2.wav dog/._1.wav dog/.DS_Store dog/Thumbs.db cat/desktop.ini "
        "__MACOSX/dog/._1.wav .trash/x/3.wav",
        PAIR,
        {"dog/notes.md": "# mine"},
    ),
    Kind("a sound beside the class folders", "dog/1.wav cat/2.wav intro.wav", PAIR),
    Kind(
        "an empty class folder",
        "dog/1.wav cat/2.wav",
        PAIR,
        make=lambda folder: (folder / "owl").mkdir(),
    ),
    Kind(
        "class names with spaces, commas and signs",
        "Great_SPACE_tit,_SPACE_song/1.wav R&B/2.wav",
        {"train": {"Great tit, song/1.wav": "Great tit, song", "R&B/2.wav": "R&B"}},
    ),
    Kind(
        "classes called None and in other scripts",
        "None/1.wav 犬/2.wav nan/3.wav",
        {"train": {"None/1.wav": "None", "nan/3.wav": "nan", "犬/2.wav": "犬"}},
    ),
    Kind(
        "one class in both Unicode forms",
        "B\u00e4r/1.wav Ba\u0308r/2.wav dog/3.wav",
        "only in case, in spaces or in its Unicode form",
    ),
    Kind("classes that differ by case", "dog/1.wav Dog/2.wav", "differs from 'Dog'"),
    Kind("a class folder of two labels", "dog;cat/1.wav owl/2.wav", "lists 2 labels"),
    Kind(
        "folders for train and test",
        "train/dog/1.wav train/cat/2.wav test/dog/3.wav",
        {"train": {"train/cat/2.wav": "cat", "train/dog/1.wav": "dog"}, "test": ["test/dog/3.wav"]},
    ),
    Kind(
        "folders for train, validation and test",
        "Training/dog/1.wav Training/cat/2.wav val/dog/3.wav TEST/cat/4.wav",
        {
            "train": {
                "Training/cat/2.wav": "cat",
                "Training/dog/1.wav": "dog",
                "val/dog/3.wav": "dog",
            },
            "folds": {"val/dog/3.wav": "0"},
            "test": ["TEST/cat/4.wav"],
        },
    ),
    Kind(
        "folders for splits in longer words",
        "audio_train/dog/1.wav audio_train/cat/2.wav audio_test/dog/3.wav",
        {
            "train": {"audio_train/cat/2.wav": "cat", "audio_train/dog/1.wav": "dog"},
            "test": ["audio_test/dog/3.wav"],
        },
    ),
    Kind(
        "test clips in no class folders",
        "train/dog/1.wav train/cat/2.wav test/3.wav test/4.wav",
        {"train": {"train/cat/2.wav": "cat", "train/dog/1.wav": "dog"}, "test": ["3.wav", "4.wav"]},
    ),
    Kind(
        "train and test below each class",
        "dog/train/1.wav dog/test/2.wav cat/train/3.wav",
        {"train": {"cat/train/3.wav": "cat", "dog/train/1.wav": "dog"}, "test": ["dog/test/2.wav"]},
    ),
    Kind(
        "folders for folds above the classes",
        "fold1/dog/1.wav fold2/cat/2.wav fold10/dog/3.wav",
        {
            "train": {
                "fold1/dog/1.wav": "dog",
                "fold10/dog/3.wav": "dog",
                "fold2/cat/2.wav": "cat",
            },
            "folds": {"fold1/dog/1.wav": "1", "fold10/dog/3.wav": "10", "fold2/cat/2.wav": "2"},
        },
    ),
    Kind(
        "classes of trains",
        "steam_train/1.wav freight_train/2.wav",
        {
            "train": {"freight_train/2.wav": "freight_train", "steam_train/1.wav": "steam_train"},
        },
    ),
    Kind("one folder around all", "set-1.0/audio/dog/1.wav set-1.0/audio/cat/2.wav", PAIR),
    Kind("links that loop or lead nowhere", "dog/1.wav cat/2.wav", PAIR, make=loops),
    Kind(
        "a class folder that is a link",
        "dog/1.wav",
        {"train": {"cat/2.wav": "cat", "dog/1.wav": "dog"}},
        {"../mine/2.wav": ""},
        make=link("../mine", "cat"),
    ),
    Kind(
        "splits and another folder beside them",
        "train/dog/1.wav test/dog/2.wav noise/3.wav",
        "but there are others beside them, such as noise",
    ),
    Kind("train and test without classes", "train/1.wav test/2.wav", NO_CLASSES),
    Kind("only folders of folds", "fold1/1.wav fold2/2.wav", NO_CLASSES),
    Kind(
        "all sounds in one folder",
        "audio/1.wav audio/2.wav",
        "no folders of classes, only in audio",
    ),
    Kind("a flat folder", "1.wav 2.wav", NO_CLASSES),
    Kind("no sounds", "", "There are no sound files", {"readme.txt": "Soon."}),
    Kind("an empty folder", "", "There are no sound files"),
    Kind(
        "speech with labels beside each file, as Audacity writes them",
        "1.wav 2.wav",
        "has the list 1.txt, but no dataset.yaml",
        {"1.txt": "0.1\t0.5\tdog\n", "2.txt": "0.2\t0.4\tcat\n0.5\t0.7\tdog\n"},
    ),
    Kind(
        "speech commands, with their lists of names",
        "bed/a_nohash_0.wav cat/b_nohash_0.wav cat/c_nohash_1.wav",
        {
            "train": {
                "bed/a_nohash_0.wav": "bed",
                "cat/b_nohash_0.wav": "cat",
                "cat/c_nohash_1.wav": "cat",
            }
        },
        {"README.md": "x", "LICENSE": "y"},
    ),
    Kind(
        "what storage systems leave in folders",
        "dog/1.wav cat/2.wav $RECYCLE.BIN/S-1/3.wav @eaDir/4.wav __MACOSX/dog/5.wav "
        "lost+found/6.wav System_SPACE_Volume_SPACE_Information/7.wav",
        PAIR,
    ),
    Kind(
        "train and test below each class, and a sound beside them",
        "dog/train/1.wav dog/test/2.wav cat/train/3.wav cat/4.wav",
        "there are others beside them, such as cat/4.wav",
    ),
    Kind(
        "splits in longer words below each class, and a class without",
        "dog/audio_train/1.wav dog/audio_test/2.wav cat/3.wav",
        "there are others beside them, such as cat/3.wav",
    ),
    Kind(
        "train and test below each class, and another folder there",
        "dog/train/1.wav dog/test/2.wav cat/train/3.wav cat/more/4.wav",
        "there are others beside them, such as cat/more",
    ),
    Kind(
        "train and test below each class, and a sound outside of them all",
        "dog/train/1.wav dog/test/2.wav cat/train/3.wav 4.wav",
        {"train": {"cat/train/3.wav": "cat", "dog/train/1.wav": "dog"}, "test": ["dog/test/2.wav"]},
    ),
    Kind(
        "folds and a class beside them",
        "fold1/1.wav fold2/2.wav dog/3.wav",
        "there are others beside them, such as dog",
    ),
    Kind(
        "a class that has a folder called train, and one that has none",
        "dog/train/1.wav cat/2.wav",
        {"train": {"cat/2.wav": "cat", "dog/train/1.wav": "dog"}},
    ),
    Kind(
        "classes called test tone and train horn",
        "test_SPACE_tone/1.wav train_SPACE_horn/a/2.wav",
        {"train": {"test tone/1.wav": "test tone", "train horn/a/2.wav": "train horn"}},
    ),
    Kind(
        "folders called train set and test set",
        "Train_SPACE_set/dog/1.wav Train_SPACE_set/cat/2.wav Test_SPACE_set/dog/3.wav",
        {
            "train": {"Train set/cat/2.wav": "cat", "Train set/dog/1.wav": "dog"},
            "test": ["Test set/dog/3.wav"],
        },
    ),
    Kind(
        "dev beside train and test",
        "train/dog/1.wav train/cat/2.wav dev/dog/3.wav test/cat/4.wav",
        {
            "train": {"dev/dog/3.wav": "dog", "train/cat/2.wav": "cat", "train/dog/1.wav": "dog"},
            "folds": {"dev/dog/3.wav": "0"},
            "test": ["test/cat/4.wav"],
        },
    ),
    Kind(
        "dev and test alone",
        "dev/dog/1.wav dev/cat/2.wav test/cat/3.wav",
        {"train": {"dev/cat/2.wav": "cat", "dev/dog/1.wav": "dog"}, "test": ["test/cat/3.wav"]},
    ),
    Kind(
        "a folder of a class with a space at its end, and one without",
        "dog_SPACE_/1.wav dog/2.wav",
        "differs from 'dog ' above only in case, in spaces",
    ),
    Kind(
        "test clips in no class folders, with a text and a picture",
        "train/dog/1.wav train/cat/2.wav test/3.wav",
        {"train": {"train/cat/2.wav": "cat", "train/dog/1.wav": "dog"}, "test": ["3.wav"]},
        {"test/README.txt": "mine", "test/cover.jpg": b"\xff\xd8"},
    ),
]
