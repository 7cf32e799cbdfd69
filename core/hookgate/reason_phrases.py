"""What each status of HTTP is called, by whichever Python: RFC 9110 section 15 renamed some."""

from http import HTTPStatus

PHRASES = {status.value: status.phrase for status in HTTPStatus} | {
    413: "Content Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
}
