"""What every job does around its work: log, arguments, outputs, interruption, processes, progress.

Nothing here may change a result: the code hashes of jobs (``planning.code``) leave this package
out, so an edit of it reruns nothing. It imports the standard library, tqdm, psutil and filelock.
"""
