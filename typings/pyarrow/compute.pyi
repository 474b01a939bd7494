# pyarrow makes its compute functions at import: no checker can see them.
from typing import Any

def __getattr__(name: str) -> Any: ...
