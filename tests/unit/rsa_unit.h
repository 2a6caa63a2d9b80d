/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* A private key that was made for tests; nothing believes it. */
#ifndef PENSTOCK_RSA_UNIT_H
#define PENSTOCK_RSA_UNIT_H

#define RSA_UNIT_KEY(end) \
    "-----BEGIN PRIVATE KEY-----" end \
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCpjkfLbLLwPV8U" end \
    "IQe8y1ECgtL6V3nXOo1ccJ153u4XV3bcl/lX/Tsk1wKQgXjEAOycQvUfMN889yo/" end \
    "cUn8R06pOeXtqRooIaH3gjtPwl4EfS3aCNb+9N4EyzoUn4YfhMoecc1JLwfQkHbC" end \
    "bLaX4StGNjcegH6xJKnFNs/kXuaho36Xjz6UVHEeYQUBtTrFMwBj3Vj9oqMyhoH1" end \
    "VcVZs5xZTsEEmfH6r3cs8AVVNRiW2LIfaFtWgvIl1WxdMiEHUszxRhWjsXxPbBH8" end \
    "BPf8MzhsJEOn1AAY0cX7nYjGUEfhqvBU4rJTeQkp4U4eMAMws0cXU/OdNXdv/w5R" end \
    "gFNcrgUBAgMBAAECggEAFC3aaOEV5rZByOEpd5RG9DfiU2hHwuVgCjQI5IaIlX8+" end \
    "UStGbJdhtj+0jsLUlEHRPG5SQpUMFx20tHo6JkEiS8ztNWdeX+T+JA58GpZKSYR7" end \
    "CYDrKCANBaBeLYgoFpDfhoIKvtP5vR5ZqUf2RIXIIwIJdfgwRnV+PaS0AeeIJo0K" end \
    "HhLk4Lg+rrrVPoxNR63hgWJCihyBR3iYVOA3VmmVTyz3a7h8bXbC+RXl9V2l7G++" end \
    "qo0LDbthDiq6fJOHw4N6m49WpILanKyuQZFxIDNOsjohRmfB3dWhKmGnUH9eNe7j" end \
    "H3eJxtfJVjMBO4UufhoiFsTs1SmsIT2TJ4+eD162dQKBgQDRiRW//Sri1p4fRZsN" end \
    "3JlFZiRpDAU+gLmPlaEhCIQtZFlQdVV3diXjTmVkzXRg13sC7Y3Uie5aPU6ZqIYQ" end \
    "iagVhpIZBFseZmw00yk8IDluZAcifik9DuIEdQM2uXzNGOSqNmwWHn154E+gK8jf" end \
    "NDB9EZpVNO1Tm4GxBATPKDw8BwKBgQDPJ6Bx23i96qwheuOZJRufYRI0V+tVI0JV" end \
    "2kFw3VOXJlXzCXo8a5j07cDTV0QPwx5YewBW5cBoHNR660PuYzGIsvIlFfjoaYgL" end \
    "V8KDx0MHeolkfupZ0z0sArr0meToHXlFl9mSOj+dk4nXvql2WWBaSfCClRmWwNxn" end \
    "XRST1BkEtwKBgAnJYleuRnOD3KzPPne+RvZj1+2EHzaVIpWfQoBdenb4SeelI1HK" end \
    "Fejw/3Fe20GurtMrL0WvD4/tbx9kLKbXFx+yQl6iwnLAC+vHtRRW2Pfb+i1VQS3V" end \
    "5R6aLIVA0qBtujhtBE1gLTIlFPMBOIecU2t0CAZUy4TtLXiMHIFkerO/AoGBALZV" end \
    "Fq+gkYH4EFHXrISbWNjLxA42ZHindDfEx1zkMjMUFwq4CNMtkY/jxJlAcjO9dfRD" end \
    "L2VNDDGXTp5yfXRR8sNzXhauZEuMt6XkNN1wgdsPS+ccnoE5oNof/RZWblivuJI8" end \
    "udAvXNcBiY5PzzDQMjLGad9GBSPf1R9VmksToIG5AoGAPgHh8X/5lXmBWTv436j+" end \
    "Y+FK64RDbDKTaSIn5DuN8bhupCRAkiSi8Sj+vDAHtKg45wNQrWX/c3YOLmnWOSsf" end \
    "P7uwrU+RdZXEa1nYHxZfv8vTBksIKoG0kW19T+pRUUsQB0IIl0VgZXJoJo7vHdry" end \
    "o3qdpmt1zG3WLrU3xorlPBs=" end \
    "-----END PRIVATE KEY-----" end

#define RSA_UNIT_PEM RSA_UNIT_KEY("\n")
/* As it stands in JSON. */
#define RSA_UNIT_JSON RSA_UNIT_KEY("\\n")

#endif
