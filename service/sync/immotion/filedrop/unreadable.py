"""What is wrong with a file of the ERP's."""


class Unreadable(Exception):
    """The file cannot be taken over; the reason is for the operator and quotes nothing that the file says."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
