//! The table of all settings, as the guide shows it.

/// What stands in the file, as the guide shows it.
pub const REFERENCE: &str = "\
| Setting | Meaning | Unless set |
| --- | --- | --- |
| `format` | Version of the repository's format; written by `sago init`, never changed by hand. | – |
| `repository` | The repository's id. | – |
| `domain_unit` | The unit that holds what belongs to no person. | – |
| `place` | Which of the places that this repository had this one is; written by `sago migrate`, never changed by hand. The log says which one may go on. | the first |
| `read_only` | Whether this folder only reads a replica; written by `sago replicate --reader`. | `false` |
| `paths.store` | The OCFL storage root: a folder, or `s3://BUCKET/PREFIX`. | `store` |
| `paths.log` | The logs and their payload: a folder, or `s3://BUCKET/PREFIX`. | `log` |
| `paths.stamps` | Time-stamps: a folder, or `s3://BUCKET/PREFIX`. | `stamps` |
| `paths.derived` | Text taken out of originals, sealed; it can be made anew: a folder, or `s3://BUCKET/PREFIX`. | `derived` |
| `paths.index` | This machine's search index, sealed; it can be made anew. | `index` |
| `paths.vault` | Wrapped unit keys: a folder, or `s3://BUCKET/PREFIX` in a bucket of its own; never where the storage root is. | `vault` |
| `paths.keys` | Operating and signing keys; never under the storage root. | `keys` |
| `paths.staging` | Deposits in progress on this machine; on the disk of the storage root, if that is a folder. | `staging` |
| `paths.database` | SQLite file, or a `postgres://` address, without a password: PGPASSWORD or PGPASSFILE say it. | `index.db` |
| `s3.endpoint` | Address of the S3 server, if it is not Amazon's; AWS_ENDPOINT_URL goes before it. Credentials come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or from the usual credentials file. | – |
| `s3.region` | Region; AWS_REGION goes before it. | `us-east-1` |
| `s3.conditional_writes` | Whether the server refuses to write over a name when asked to; found out by `sago init`. Where it does, names of sealed files are guarded by it too; nothing rests on it. | `false` |
| `fixity.interval_days` | A stored file is due to be read again after this many days. | `90` |
| `epoch.days` | After this many days `sago doctor` asks for a new epoch. | `365` |
| `epoch.work_factor` | Cost of trying one passphrase: scrypt with N = 2^this; 10 to 22. | `18` |
| `work.lease_seconds` | A job, or a deposit, that its node has not renewed for this long is taken over by another node; 2 to 3600. | `60` |
| `work.poll_ms` | How often an idle node looks for jobs, in milliseconds; 10 to 60000. | `1000` |
| `work.integrate_seconds` | How often a node looks whether the log's signed head is behind. | `10` |
| `work.recover_seconds` | How often a node completes what an interruption left. | `60` |
| `work.fixity_seconds` | How often stored files that are due are planned to be read. | `3600` |
| `work.stamp_seconds` | How often the time-stamping authorities are asked. | `86400` |
| `work.witness_seconds` | How often the witnesses are asked. | `3600` |
| `work.replicate_seconds` | How often what is new is copied to the replicas. | `3600` |
| `work.give_up_days` | A deposit whose node was not seen for this many days is given up, or completed if the storage root holds all of it. | `14` |
| `work.read_seconds` | How often a node looks for items that were not read yet; 0: it never does. | `60` |
| `reading.memory_mb` | Most memory for reading one file, in MiB; 256 to 65536. | `2048` |
| `reading.seconds` | Longest time for reading one file; a second more for each 4 MiB of it. | `300` |
| `reading.without_walls` | Whether files of strangers are read where the system cannot wall in what reads them. They then run with the rights of Sago. | `false` |
| `authority.name` | A time-stamping authority, in a table `[[authority]]` each: a short name of its own. | – |
| `authority.url` | Where its requests are sent: an address with http:// or https://. | – |
| `authority.anchor` | File of PEM certificates trusted as its roots; a former root stays in it for as long as its stamps are kept. | – |
| `witness_quorum` | So many witnesses must have cosigned; stands above all tables. | all of them |
| `witness.name` | A witness (C2SP tlog-witness) run by somebody else, in a table `[[witness]]` each: a short name. | – |
| `witness.url` | Its submission prefix: `/add-checkpoint` is put behind it. | – |
| `witness.keys` | File of its verifier keys, one a line; every one of them must cosign. | – |
| `replica.name` | A second site, in a table `[[replica]]` each: a short name of its own. | – |
| `replica.address` | Where it lies: a folder, or `s3://BUCKET/PREFIX`. Never the vault, never below the repository. | – |
| `replica.endpoint`, `replica.region` | Its S3 server, if it is another one. | as under `s3` |
| `replica.profile` | Profile of the usual credentials file that opens it, so that whoever can alter the repository's bucket need not be able to alter the replica. | the usual variables |
";
