"""Says by its exit code whether the server in this container answers: an API that asks for a key does."""

from __future__ import annotations

import http.client
import os
import sys


def main() -> int:
    """Ask once, without a key."""
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ.get("PORT", "7860")), timeout=5)
    try:
        connection.request("GET", "/v1/health")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        sys.stderr.write(f"no answer: {error}\n")
        return 1
    finally:
        connection.close()
    return 0 if status < 500 else 1


if __name__ == "__main__":
    sys.exit(main())
