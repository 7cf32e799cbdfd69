"""Where a connection stands, from its first HTTP byte on.

It only goes down this list. `connection.py` decides by the table, `wire.py` does it to the
transport. An answer is owed where a request has begun.

    state        event                                      then       what is done
    -----------  -----------------------------------------  ---------  ----------------------------
    open         the last answer owed, keep-alive           open       wait for the next request
    open         the server drains; a reload leaves no room draining   soon end, if nothing is owed
    to draining  whose request it is is foreign, too many   excess     finish what is owed
    to excess    end of the sender's side, answers owed     ended      drop what is incomplete
    to excess    end of the sender's side, nothing owed     as it was  the transport closes itself
    to excess    a head or body takes too long              as it was  refuse it, answer it next
    to excess    nothing comes for too long                 closing    close
    to ended     the last answer, and more may be sent      lingering  end our side, read and drop
    to ended     the last answer, and nothing may           closing    close
    to ended     it gives way to another                    closing    refuse what comes in, close
    to ended     a fault                                    closing    answer 503, close
    lingering    LINGER_SECONDS or LINGER_BYTES are over    as it was  abort
    closing      LINGER_SECONDS are over, or `keep_alive`   as it was  abort
                 while the rest of the answer is read
    any          the sender reads too slowly; a cut         as it was  abort
    any          the transport is gone                      closed     end every delivery, leave

`draining` is every state in which no request is waited for: the last answer owed is the last one.
In `excess` the place is somebody else's already: what is written is sent, and nothing waited for.
"""

# Small numbers, in order: each request compares them, and members of an enum cost more.
OPEN, DRAINING, EXCESS, ENDED, LINGERING, CLOSING, CLOSED = range(7)
