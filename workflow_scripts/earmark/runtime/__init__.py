"""What every job does around its work: log, arguments, outputs, stops, processes, progress.

Nothing here may change a result: ``provenance.code_of`` does not follow this package, so an edit of
it reruns nothing. Its modules import the standard library, tqdm, psutil and filelock only.
"""
