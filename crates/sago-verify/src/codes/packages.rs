//! Codes of the judges of packages, with what each means; those of the OCFL specification as one pattern each.

/// Code and meaning, in alphabetical order.
pub(super) static PACKAGES: &[(&str, &str)] = &[
    (
        "E000",
        "An error of the OCFL specification; its list of validation codes says which.",
    ),
    (
        "W000",
        "A warning of the OCFL specification; its list of validation codes says which.",
    ),
    (
        "bag-algorithm-spelling",
        "A manifest spells its algorithm in an unusual way.",
    ),
    (
        "bag-algorithm-unknown",
        "A manifest uses an algorithm that is unknown here, so it was not checked.",
    ),
    (
        "bag-algorithm-weak",
        "A manifest uses an algorithm that can be forged.",
    ),
    (
        "bag-count",
        "Bag-Count in bag-info.txt is not of the form the standard asks for.",
    ),
    (
        "bag-declaration-bom",
        "The file bagit.txt begins with a byte order mark.",
    ),
    (
        "bag-declaration-extra-lines",
        "The file bagit.txt has more than its two lines.",
    ),
    (
        "bag-declaration-malformed",
        "The file bagit.txt is not a declaration of a bag.",
    ),
    ("bag-declaration-missing", "The bag has no bagit.txt."),
    (
        "bag-declaration-whitespace",
        "The file bagit.txt has blanks where the standard has none.",
    ),
    (
        "bag-encoding-unknown",
        "The bag declares an encoding that is unknown here.",
    ),
    (
        "bag-fetch-address",
        "The file fetch.txt names an address that is not one of the web.",
    ),
    (
        "bag-fetch-blank-line",
        "The file fetch.txt has a blank line.",
    ),
    (
        "bag-fetch-length",
        "A file is not as long as fetch.txt says.",
    ),
    (
        "bag-fetch-listed-twice",
        "The file fetch.txt lists a file twice.",
    ),
    ("bag-fetch-malformed", "A line of fetch.txt is malformed."),
    (
        "bag-fetch-not-in-manifest",
        "The file fetch.txt lists a file that no manifest lists.",
    ),
    (
        "bag-file-not-in-manifest",
        "A payload file is not in a payload manifest.",
    ),
    (
        "bag-file-to-fetch",
        "A payload file is not in the bag; fetch.txt says where it was.",
    ),
    ("bag-folder-empty", "A folder of the bag is empty."),
    (
        "bag-group-identifier",
        "Bag-Count is given without Bag-Group-Identifier, or the other way round.",
    ),
    ("bag-info-malformed", "A line of bag-info.txt is malformed."),
    (
        "bag-info-oxum-malformed",
        "Payload-Oxum is not of the form the standard asks for.",
    ),
    (
        "bag-info-oxum-mismatch",
        "The payload has another size or number of files than Payload-Oxum says.",
    ),
    (
        "bag-info-oxum-repeated",
        "Payload-Oxum is given more than once.",
    ),
    (
        "bag-info-repeated",
        "A label of bag-info.txt that should stand once is repeated.",
    ),
    (
        "bag-info-whitespace",
        "The file bag-info.txt has blanks where the standard has none.",
    ),
    ("bag-link", "The bag holds a link."),
    ("bag-manifest-blank-line", "A manifest has a blank line."),
    (
        "bag-manifest-malformed",
        "A line of a manifest is malformed.",
    ),
    (
        "bag-manifest-md5sum-style",
        "A manifest has the '*' of checksum tools before paths.",
    ),
    ("bag-manifest-missing", "The bag has no payload manifest."),
    (
        "bag-manifest-repeated",
        "Two manifests are for the same algorithm.",
    ),
    (
        "bag-name-not-portable",
        "A name of a payload file is not possible on every system.",
    ),
    ("bag-name-not-utf8", "A name of a file is not UTF-8."),
    ("bag-path-case-twin", "Two paths differ in case only."),
    (
        "bag-path-digest-conflict",
        "A manifest promises two digests for one file.",
    ),
    ("bag-path-dot-slash", "Paths in a manifest begin with './'."),
    ("bag-path-listed-twice", "A manifest lists a file twice."),
    (
        "bag-path-normalization-twin",
        "Two paths differ in Unicode form only.",
    ),
    (
        "bag-path-not-encoded",
        "A path in a manifest is not encoded as the standard asks.",
    ),
    (
        "bag-path-outside-payload",
        "A payload manifest lists a file outside the payload.",
    ),
    (
        "bag-path-unsafe",
        "A path leads, or may lead, out of the bag.",
    ),
    (
        "bag-payload-digest-mismatch",
        "A payload file is not the one that a manifest lists.",
    ),
    (
        "bag-payload-file-missing",
        "A payload file that a manifest lists is not there.",
    ),
    (
        "bag-payload-folder-missing",
        "The bag has no folder 'data'.",
    ),
    (
        "bag-size",
        "Bag-Size in bag-info.txt is not the size of the bag.",
    ),
    (
        "bag-special-file",
        "The bag holds a device, pipe or socket.",
    ),
    (
        "bag-system-file",
        "The payload holds a file that systems make and tools remove by themselves.",
    ),
    (
        "bag-tag-digest-mismatch",
        "A tag file is not the one that a tag manifest lists.",
    ),
    (
        "bag-tag-file-bom",
        "A tag file begins with a byte order mark.",
    ),
    (
        "bag-tag-file-encoding",
        "A tag file is not in the encoding that the bag declares.",
    ),
    (
        "bag-tag-file-missing",
        "A tag file that a tag manifest lists is not there.",
    ),
    (
        "bag-tag-file-not-in-manifest",
        "A tag file is not in a tag manifest.",
    ),
    (
        "bag-tag-file-too-large",
        "A tag file is too large to be read.",
    ),
    (
        "bag-tag-manifest-incomplete",
        "A tag manifest does not list what another lists.",
    ),
    (
        "bag-tag-manifest-lists-itself",
        "A tag manifest lists a tag manifest.",
    ),
    (
        "bag-tag-manifest-lists-payload",
        "A tag manifest lists a payload file.",
    ),
    ("bag-tag-manifest-missing", "The bag has no tag manifest."),
    (
        "bag-too-deep",
        "Folders of the bag are nested too deeply to be judged.",
    ),
    (
        "bag-unreadable",
        "A file or folder of the bag cannot be read.",
    ),
    (
        "bag-version-malformed",
        "The bag's version is not of the form the standard asks for.",
    ),
    (
        "bag-version-unknown",
        "The bag follows a version of BagIt that is unknown here.",
    ),
    (
        "findings-left-out",
        "There are more findings than are listed.",
    ),
    (
        "ocfl-fixity-algorithm-unknown",
        "A fixity block uses an algorithm that is unknown here, so it was not checked.",
    ),
    (
        "ocfl-inventory-too-large",
        "An inventory is too large to be read.",
    ),
    (
        "ocfl-layout-config",
        "The configuration of the storage root's layout is malformed.",
    ),
    (
        "ocfl-layout-not-checked",
        "The storage root's layout cannot be checked here.",
    ),
    (
        "ocfl-layout-unknown",
        "The storage root's layout is unknown here.",
    ),
    (
        "ocfl-too-deep",
        "Folders are nested too deeply to be judged.",
    ),
    ("ocfl-unreadable", "A file or folder cannot be read."),
];
