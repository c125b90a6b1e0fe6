"""The paper's claims as experiments: `drive` makes the files, the rest reads them."""
