"""The standalone front: HTTP/1.1 in, judged and recorded by the same gate as every front."""
