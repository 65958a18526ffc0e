//! Signatures of ours, for what PRONOM's register does not have, in the notation of `pronom.txt` (see `xtask/scripts/pronom.py`) with texts in quotes.
//!
//! `W` instead of `F` is a last resort: PRONOM asks for the proper end of a PDF, JPEG, PNG or ZIP, which a damaged file does not have.

/// The lines.
pub(super) const SIGNATURES: &str = r"
# Korean documents and archives
F	sago/hwpx	Hancom HWPX document (OWPML)		application/hwp+zip	hwpx	x-fmt/263
C	ZIP	sago/hwpx	mimetype=B0-0:'application/hwp+zip'
C	ZIP	sago/hwpx	Contents/content.hpf=	Contents/header.xml=
C	OLE2	fmt/1084	FileHeader=B0-0:'HWP Document File'
F	sago/hwp-2	Hangul Word Processor Document	2	application/x-hwp	hwp
S	B0-0:'HWP Document File V2'
F	sago/hwpml	Hancom HWPML document (XML)		application/x-hwpml	hml	fmt/101
S	B0-1024:'<HWPML '

# OpenDocument kinds without a container signature in PRONOM
F	sago/odf	OpenDocument formula, chart, image or database		application/vnd.oasis.opendocument.formula	odf odc odi odb	x-fmt/263
C	ZIP	sago/odf	mimetype=B0-0:'application/vnd.oasis.opendocument.'('formula'|'chart'|'image'|'base')

# Documents in one file of XML
F	sago/fodf	OpenDocument in a single XML file		application/vnd.oasis.opendocument.text-flat-xml	fodt fods fodp fodg	fmt/101
S	B0-4096:'<office:document '

# Korean archives
F	sago/alz	ALZip archive (ALZ)		application/x-alz-compressed	alz
S	B0-0:'ALZ'01
F	sago/egg	ALZip archive (EGG)		application/x-egg	egg
S	B0-0:'EGGA'

# Pictures that begin with text
F	sago/pnm	Portable any map		image/x-portable-anymap	pnm pbm pgm ppm
S	B0-0:'P'[31:36]0A[23:39]

# Sealed files, signatures, times
F	sago/age	age encrypted file		application/age	age
S	B0-0:'age-encryption.org/v1'0A
S	B0-0:'-----BEGIN AGE ENCRYPTED FILE-----'
F	sago/pgp-message	OpenPGP message (armored)		application/pgp-encrypted	asc pgp gpg
S	B0-0:'-----BEGIN PGP MESSAGE-----'
W	sago/cms	CMS signed or enveloped data (DER)		application/pkcs7-mime	p7m p7s p7c p7b
S	B0-0:30(80|82????|83??????|84????????)06092A864886F70D0107[02:06]
F	sago/cms-pem	CMS signed or enveloped data (PEM)		application/pkcs7-mime	pem p7m p7s
S	B0-0:'-----BEGIN '('PKCS7'|'CMS')'-----'
F	sago/tsd	Time-stamped data (RFC 5544)		application/timestamped-data	tsd
S	B0-0:30(80|82????|83??????|84????????)060B2A864886F70D010910011F
F	sago/tsr	Time-stamp reply (RFC 3161)		application/timestamp-reply	tsr
S	B0-0:3082????3003020100(3082|30)*06092A864886F70D010702
F	sago/ots	OpenTimestamps proof		application/vnd.opentimestamps.v1	ots
S	B0-0:004F70656E54696D657374616D7073000050726F6F6600BF89E2E884E89294

# Web archives
F	sago/wacz	Web archive collection (WACZ)		application/wacz	wacz	x-fmt/263
C	ZIP	sago/wacz	datapackage.json=B0-65536:'wacz_version'
C	ZIP	sago/wacz	datapackage.json=	archive/=

# Mail and messages
F	sago/tnef	Transport neutral encapsulation (winmail.dat)		application/ms-tnef	dat tnef
S	B0-0:789F3E22

# Archives and files compressed alone
F	sago/zstd	Zstandard compressed file		application/zstd	zst
S	B0-0:28B52FFD
F	sago/lz4	LZ4 compressed file		application/x-lz4	lz4
S	B0-0:04224D18

F	sago/ar	AR archive, Debian package		application/x-archive	ar deb a
S	B0-0:'!<arch>'
F	sago/lzip	Lzip compressed file		application/lzip	lz
S	B0-0:'LZIP'

# Databases: SQLite by application id (byte 68 of its header)
F	sago/sqlite-wal	SQLite write-ahead log			db-wal sqlite-wal
S	B0-0:377F06(82|83)

# Sound and pictures
F	sago/heic	High efficiency image (HEIF brands)		image/heic	heic heif hif	fmt/199
S	B4-4:'ftyp'('heic'|'heix'|'hevc'|'mif1'|'msf1'|'heim'|'heis')
F	sago/avif	AV1 image		image/avif	avif	fmt/199
S	B4-4:'ftyp'('avif'|'avis')

# Last resorts
W	sago/pdf	Portable Document Format, damaged or with bytes before it		application/pdf	pdf
S	B0-1024:'%PDF-'
W	sago/jpeg	JPEG image without its end		image/jpeg	jpg jpeg
S	B0-0:FFD8FF
W	sago/png	PNG image without its end		image/png	png
S	B0-0:89504E470D0A1A0A
W	sago/gif	GIF image without its end		image/gif	gif
S	B0-0:'GIF8'[37:39]'a'
W	sago/tiff	TIFF image		image/tiff	tif tiff
S	B0-0:(49492A00|4D4D002A|49492B00|4D4D002B)
W	sago/webp	WebP image		image/webp	webp
S	B0-0:'RIFF'{4}'WEBP'
W	sago/wav	Wave audio		audio/x-wav	wav
S	B0-0:'RIFF'{4}'WAVE'
W	sago/avi	Audio video interleaved		video/x-msvideo	avi
S	B0-0:'RIFF'{4}'AVI '
W	sago/isobmff	ISO base media file		video/mp4	mp4 m4a m4v 3gp mov
S	B4-4:'ftyp'
S	B4-4:('moov'|'mdat'|'wide')
W	sago/mp3	MPEG audio with ID3 tags		audio/mpeg	mp3
S	B0-0:'ID3'[02:04]
S	B0-0:FF(FB|F3|F2|FA)[10:EB]
W	sago/aac	AAC audio (ADTS)		audio/aac	aac
S	B0-0:FF(F1|F9)[40:BF]
W	sago/ogg	Ogg stream		audio/ogg	ogg ogv oga opus
S	B0-0:'OggS'00
W	sago/flac	FLAC audio		audio/flac	flac
S	B0-0:'fLaC'
W	sago/matroska	Matroska or WebM		video/x-matroska	mkv webm
S	B0-0:1A45DFA3
W	sago/zip	ZIP archive without its directory		application/zip	zip
S	B0-0:504B0304
S	E18-65531:504B0506
W	sago/ole2	OLE2 compound document, damaged			doc xls ppt hwp msg
S	B0-0:D0CF11E0A1B11AE1
W	sago/rtf	Rich Text Format without its end		application/rtf	rtf
S	B0-0:7B'\rtf'
W	sago/gzip	GZIP, damaged		application/gzip	gz
S	B0-0:1F8B08
W	sago/bzip2	BZIP2, damaged		application/x-bzip2	bz2
S	B0-0:'BZh'[31:39](314159265359|177245385090)
W	sago/xz	XZ, damaged		application/x-xz	xz
S	B0-0:FD377A585A00
W	sago/7z	7z archive, damaged		application/x-7z-compressed	7z
S	B0-0:377ABCAF271C
W	sago/rar	RAR archive, damaged		application/vnd.rar	rar
S	B0-0:526172211A07
W	sago/sqlite	SQLite database		application/vnd.sqlite3	sqlite db
S	B0-0:'SQLite format 3'00
W	sago/mdb	Microsoft Access database		application/vnd.ms-access	mdb accdb
S	B4-4:'Standard '('Jet'|'ACE')' DB'
W	sago/elf	ELF program		application/x-executable
S	B0-0:7F454C46
W	sago/exe	DOS or Windows program		application/vnd.microsoft.portable-executable	exe dll
S	B0-0:'MZ'
W	sago/class	Java class		application/java-vm	class
S	B0-0:CAFEBABE
W	sago/pst	Outlook folders		application/vnd.ms-outlook-pst	pst ost
S	B0-0:'!BDN'
W	sago/warc	WARC		application/warc	warc
S	B0-0:'WARC/'
";
