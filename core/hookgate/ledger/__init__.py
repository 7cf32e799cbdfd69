"""The ledger: one record per delivery, written when it is true, provably complete.

Loose in this room is what a line and the state file beside the ledger are: `record`, `members`,
`privacy`, `line`, `seal`, `state`. `reading` brings lines back from files; `writing` puts them
there, and looks into the files only for lines that are gone; `audit` answers questions about them.
Writing and audit do not know each other.
"""
