"""The ledger: one record per delivery, written when it is true, provably complete.

Loose in this room is what a line and the state file beside the ledger hold: `record`, `members`,
`privacy`, `seal`, `state`. `reading` brings lines back from files; `writing` puts them there, and
looks at files only for lines that are gone; `audit` answers questions about them. An import goes
from `writing` or `audit` to `reading` to here, and never back; those two do not know each other.
"""
