"""`python -m onpace`."""

from onpace import main

main()
