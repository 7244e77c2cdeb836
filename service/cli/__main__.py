"""`python -m service.cli` is `mieterportal`."""

from service.cli import main

main()
