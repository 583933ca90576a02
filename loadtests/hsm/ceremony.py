"""Puts secret keys into a token, in a process of its own: ``-m loadtests.hsm.ceremony``."""

import json
import sys

import pkcs11
from pkcs11 import Attribute, KeyType, ObjectClass

_USES = {
    "des3": (KeyType.DES3, {Attribute.ENCRYPT: True}),
    "hmac": (KeyType.GENERIC_SECRET, {Attribute.SIGN: True}),
}


def main() -> None:
    """Read what is wanted from standard input."""
    told = json.loads(sys.stdin.read())
    token = pkcs11.lib(told["module"]).get_token(token_label=told["token"])
    with token.open(rw=True, user_pin=told["pin"]) as session:
        for key in told["keys"]:
            key_type, uses = _USES[key["kind"]]
            session.create_object(
                {
                    Attribute.CLASS: ObjectClass.SECRET_KEY,
                    Attribute.KEY_TYPE: key_type,
                    Attribute.LABEL: key["label"],
                    Attribute.VALUE: bytes.fromhex(key["hex"]),
                    Attribute.TOKEN: True,
                    Attribute.PRIVATE: True,
                    Attribute.SENSITIVE: True,
                    Attribute.EXTRACTABLE: False,
                    **uses,
                    **{Attribute[name]: value for name, value in key["attributes"].items()},
                }
            )


if __name__ == "__main__":
    main()
