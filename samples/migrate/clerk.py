"""Makes rows for descope-bulk of the CSV export of Clerk's dashboard:

    python3 clerk.py < clerk-export.csv > clerk-users.csv
"""

import csv
import re
import sys

COLUMNS = [
    "loginId", "additionalIdentifiers", "first_name", "last_name",
    "primary_email_address", "verifiedEmail", "primary_phone_number", "verifiedPhone",
    "totp_secret", "hashedPassword.bcrypt", "hashedPassword.argon2",
]
FORMS = {"bcrypt": "bcrypt", "argon2i": "argon2", "argon2id": "argon2"}


def is_verified(value, verified):
    return str(value in re.split(r"[,;|\s]+", verified)).lower() if value else ""


out = csv.DictWriter(sys.stdout, COLUMNS, extrasaction="ignore", lineterminator="\n")
out.writeheader()
for row in csv.DictReader(sys.stdin):
    email, phone = row["primary_email_address"], row["primary_phone_number"]
    names = [email, phone, row["username"], row["id"]]
    row["loginId"] = next(filter(None, names))
    further = [row["username"], row["id"]]
    row["additionalIdentifiers"] = ";".join(
        name for name in further if name and name != row["loginId"]
    )
    row["verifiedEmail"] = is_verified(email, row["verified_email_addresses"])
    row["verifiedPhone"] = is_verified(phone, row["verified_phone_numbers"])
    if row["password_digest"]:
        # A hasher that is not known stops here: no user is to lose a password without a word.
        row["hashedPassword." + FORMS[row["password_hasher"]]] = row["password_digest"]
    out.writerow(row)
