# Makes rows for descope-bulk of what `firebase auth:export` writes:
#
#   jq -c --rawfile key firebase-signer.key -f firebase.jq firebase-export.json > firebase-users.jsonl
#
# The key is the base64_signer_key of the project, which every row with a password needs.

.users[]
| {
    loginId: (.email // .phoneNumber),
    additionalIdentifiers: [.localId],
    email,
    emailVerified: (if .email then .emailVerified else null end),
    phoneNumber,
    displayName,
    photoUrl,
    status: (if .disabled then "disabled" else "enabled" end),
    createdTime: (.createdAt | tonumber / 1000 | floor),
    passwordHash,
    salt,
    signerKey: (if .passwordHash then ($key | rtrimstr("\n")) else null end)
  }
| with_entries(select(.value != null))
