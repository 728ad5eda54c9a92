"""The keys of the sink's push accounts, and of a browser that it stands for. They open nothing else."""

from __future__ import annotations

from typing import Final

FCM_SERVICE_ACCOUNT: Final = '{"client_email": "carillon@sink.iam.gserviceaccount.com", "project_id": "sink", "private_key": "-----BEGIN PRIVATE KEY-----\\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCgo8EipHfpncUF\\npLt/Y5gECYXTgP8KDEIZXKBW9o96nZoIDzs9AOhV70rFtEQl2iC8S9M51Hc/oeOA\\np58I2xmityGXyQMshqUm6/MFaofDAMz6hJSqBcqKLyenUZC26cm3DVmqhlcDoZlB\\n8bgwnkgCdj3W0GCxArYFq3Syv+I5M7PlYtslYuAPcdI8COwSDffP5rIFptSR2DpX\\nlZj/qdd+rfRQgp0WcGbKWkNlZ1KWLqTG0cR6A5KPHIgtYcj4BDHAnE9z4PoMvSGG\\n+5S8IV214Aqi4bz/10lIDEZ19S7erpMCet5LDWFAvB/+YrslQnJFJtBIie4nsHK2\\na9w2cx2JAgMBAAECggEACmuxCdGkPz0HNMdjy97es8VX33lu4fybVZiZBKcsNdKv\\nNS5ixAFw8PEr1zErWg7BQKHFFytpnHDAqL4G7qzC6Ber59Qn/u2RnVmhS1TGr49X\\n3Lj4yWJEiiwGrR+ZDQqTtaqZqlqaXq+PGPRoo8vCxVkdCBg+q4Du5KWDlZxlvRrb\\nlROm9AzuGj8NxjorLMumC67whI5pvioMkY40rtEvVov5Q8ytQwwdfh/8V5jGdYnZ\\nWdMXID7Ygp/iMPRGZ/UVBzbHhf/pCwbPDzyi4FGdRYk6rj7cxurwqDXuXws8V4Eq\\nu4JdSJOklD9uNxlIBb/ONtkRapimBkhK1DecJwAWMQKBgQDMoO4oR84ClNpnE0G4\\nGAd/4h1r+rHkvA1R3It+lYWiUmaB9BXiHDYSJamOnKTtecsd7o7fnFM+tjwOfaop\\nRTEiTWkb13nPbcbscNT8ItZ2PrNvpb1hjuIFNaDXWRMgxpSxeLWfyBA8yFyLEXoI\\n5OCw5cC7y5sxikT8uvLdA5DysQKBgQDI973paplRxmyDeiIVBTakpjKzCowF3KeZ\\noRY8xC/lMUIbPCFGuZA/qKDPqmVfi2xY9RfZpzPkJgzAqRaKNceNbwqpfTrxY72q\\nxJ8vvkIVqiG++hGEDCa4njxHtepCQbWuxAA5FpjnY0orcrlIup2Btx2+s2D5VOiL\\nhDQvgf4eWQKBgBrOJgR+y3zJFQcVnbFI7IqTCzme4HjPLYuAsYFGgvfthWIWoFs7\\nSNX9uwVkfbJiFvp3yp1+M+VuJ9XaHlVDrBkLPO6ZvmouvjUw3qWcxq08r3K7qmBC\\nQFdgXA55q6jKeqX44wnoQkBEGuNYybyqhsiFgEbZeB34N+tHbhMHqZAxAoGBAIkv\\nXKt2whxpZ+/EMnnI6kkwzpEblQP3YU1lAioO/mbk3ix7Onft+gMKmGPJ/JNhOF/t\\nRw+jrK+ELdZiVmmYVpU8hLm4K8FWBcYJnGTZ6oChd5HHYKeUJ+aE1b9Z9gSumFgp\\nocFWpJ/nTl0kXkjAYv6GQr7H8l2hUXDTmVAI27BZAoGAKaQeHYck3muU7WAEprt5\\nJq8kYC50TiXkA8IXw6hhZ5V/zDXSse9fnB68Z9uwxTQZij1KaRZkjEXDPdDE89RH\\nfgXDTkFowupp92n1WClE5pBQ/xi72s/rcoVR8M901u2pwUPNbAQY6aPagcL026oa\\n7q/A0TdhD9IgbHRAxAs+aE0=\\n-----END PRIVATE KEY-----\\n"}'
VAPID_KEY: Final = "vLiUT9Co6EwUzl_-BpMJvcnfd7Q-HGgKWaPPcaPEtpM"
BROWSER_KEY: Final = "4HhemASGXljo-0TKPNw2jTrLuNOOzNh2cPqIul0SbTo"
"""The private one, with which the sink reads what was encrypted for BROWSER_P256DH."""
BROWSER_P256DH: Final = "BLdh42ULBoTGxBRFn4Hh4eVVsLtXr5IRl9m5OqsUOn9uWehwCuZn-bVNXlNzCnYlSF53qFy1-KUA3o50kTvAo_Y"
BROWSER_AUTH: Final = "AAECAwQFBgcICQoLDA0ODw"
APNS_KEY: Final = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgWmO8uQeWRNONgyGf
8RpqMhn7PBN73wWG3sFEp5xTBxKhRANCAAQQ+Ujaw1zgBl+RVi5F9c5YhhedLqDj
QCCQM1qKnwjtjn0DtlOJ2EPJhaRql+gSKskYZLmuDLWOaNmZ1jeF0gW/
-----END PRIVATE KEY-----
"""
APNS_KEY_ID: Final = "SINKSINKID"
APNS_TEAM_ID: Final = "SINKTEAMID"
APNS_TOPIC: Final = "com.example.sink"
