"""One self-contained HTML page of a run, a network or a sweep: `weftpost report`."""
