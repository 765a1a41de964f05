# Makes rows for descope-bulk of Auth0's two exports, the users and the password hashes:
#
#   jq -cn --slurpfile passwords auth0-passwords.jsonl -f auth0.jq auth0-export.jsonl > auth0-users.jsonl
#
# What the job file can map by itself, such as given_name, stays as it is.

def unless_empty: if . == {} then null else . end;

INDEX($passwords[]; "auth0|" + (.alt_id // ._id."$oid")) as $password
| inputs
| . as {$app_metadata, $user_metadata}
| . + {
    loginId: (.email // .phone_number),
    additionalIdentifiers: [.user_id],
    status: (if .blocked then "disabled" else "enabled" end),
    passwordHash: $password[.user_id].passwordHash,
    # Roles are for the tenant, if the user has one.
    roleNames: (if $app_metadata.org then null else $app_metadata.roles end),
    userTenants: (if $app_metadata.org
      then [{tenantId: $app_metadata.org, roleNames: ($app_metadata.roles // [])}]
      else null end),
    customAttributes: ($user_metadata + $app_metadata | del(.org, .roles) | unless_empty)
  }
| del(.user_id, .app_metadata, .user_metadata, .blocked)
| with_entries(select(.value != null))
