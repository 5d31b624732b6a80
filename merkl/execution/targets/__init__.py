"""Where calls run: this process, local processes, Dask."""
