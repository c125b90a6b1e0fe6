from __future__ import annotations

import sys
from pathlib import Path

# So that pytest finds the package from any directory, without an installation.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
