-- Version 5: whoever looks each second reads the last boots and findings of each gate alone, however
-- many another gate's login made up.

CREATE INDEX ON hookgate.boot (gate, received);
CREATE INDEX ON hookgate.finding (gate, told);
CREATE INDEX ON hookgate.fork (gate, received);
