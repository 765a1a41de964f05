# One job as four allocations under Nomad:
#
#   nomad var put nomad/jobs/descope-bulk-users management_key=@management.key
#   nomad job run nomad.hcl
#
# and when all have ended, on a host that sees the volume:
#
#   descope-bulk merge /data/runs/users-*of4-* --out /data/merged
job "descope-bulk-users" {
  type = "batch"

  group "shards" {
    # As many as DESCOPE_BULK_SHARDS.
    count = 4

    # An allocation that is lost with its host is started elsewhere under the same number, and resumes.
    reschedule {
      attempts  = 5
      interval  = "4h"
      delay     = "30s"
      unlimited = false
    }

    volume "data" {
      type            = "csi"
      source          = "descope-bulk"
      access_mode     = "multi-node-multi-writer"
      attachment_mode = "file-system"
    }

    task "run" {
      driver = "docker"

      # What is on the wire ends, and all is recorded.
      kill_timeout = "300s"

      restart {
        attempts = 0
        mode     = "fail"
      }

      config {
        image   = "registry.example.com/descope-bulk:0.1.0"
        command = "/usr/local/bin/descope-bulk"
        args = [
          "run", "/data/users.csv",
          "--shard", "auto",
          "--resume",
          "--runs-dir", "/data/runs",
          # Four allocations share the limit: 20 % each.
          "--max-share", "20",
          "--log-format", "json",
        ]
      }

      # Nomad sets NOMAD_ALLOC_INDEX, and does not say how many there are.
      env {
        DESCOPE_BULK_SHARDS         = "4"
        DESCOPE_PROJECT_ID          = "P2…"
        DESCOPE_MANAGEMENT_KEY_FILE = "${NOMAD_SECRETS_DIR}/management.key"
      }

      template {
        destination = "${NOMAD_SECRETS_DIR}/management.key"
        perms       = "400"
        data        = "{{ with nomadVar \"nomad/jobs/descope-bulk-users\" }}{{ .management_key }}{{ end }}"
      }

      volume_mount {
        volume      = "data"
        destination = "/data"
      }

      resources {
        cpu    = 250
        memory = 512
      }
    }
  }
}
