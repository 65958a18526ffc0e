//! Small files that were made once by other programs: Python's `lzma`, `bz2` and `sqlite3`. Base64.

/// Three times `한글 문서입니다.` and a line end, as XZ.
pub const XZ: &str = "/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4ABHACBdAHalT46mRTSszRrZdLdrZ5WNuXBQ8iRhPZjW5A+RDcAAAKiPjmCXmnNmAAE8SHYFcisftvN9AQAAAAAEWVo=";

/// The same as LZMA alone.
pub const LZMA: &str = "XQAAgAD//////////wB2pU+OpkU0rM0a2XS3a2eVjblwUPIkYT2Y1uQPmR5g///8NzAA";

/// The same as bzip2.
pub const BZIP2: &str = "QlpoOTFBWSZTWdRW2zAAACPQeQAQQAFGSAIFBAQAQAAeIAAjP/VUGgaaPaoU0yMTExNGq7CmF1ZI9eN1lkRFIjDZH4u5IpwoSGorbZgA";

/// A database of SQLite, packed by zlib: `person` with 40 rows (the seventh name fills several pages, the ninth has a picture) and `place` without row ids,
/// with 60. Pages of 512 bytes.
pub const SQLITE: &str = "eNrtmE9oHFUcx38v2U2sTbqPSJumQpkaSxLb6Pz/U2vzS9Jtk2YrVoOCUnGzmdolm+wyTmhy26j04kGQFkQQLP5B9CB40AgVSo+CXvVQpB68JFHRgwge9M1u0mbe8osIGkIyv8N7M5/vfmfem9+838\
     zOU+dyxdBXLpSD6XyoGNAEjAEqCoDYBOBwN6L91Lp9Bv8cTfBwgbVHG2wU2DXRbNd4uqm1s7OTLewO8xMlv1LKF+pN2/CT2cHxrDI+OJTLKjXUWyhP+kroz4VKJShO54N5ZcqfP6rMKIGfL/Upl4rh\
     xfJsqATlS8XJ86y1s6uLLeytH9cPXirP1Num+JFrrLc4qRRnQv9FP5COnZ+un/KoUikWwtnAVyZK5Ym+dJRUthLNYDf7k/3Ofq3vJLEt495ANLt6RHPPftG0dkTpv/n50uLi8mvvJf3O60X+08m12L\
     m9yH9Lci129PqH5Frs3D56N29hbwH7hX3PvmbX2cdiJ4ktEJmOFHTD0hfVlXeurrxdVexMJg6sTFscmJldcWBkWuJAzzTHgVb7bwYXAeaj5n+czf74id03KnvT8H5hHXKSNbnpz/7mKP9puA/gORgF\
     Bw6LTd6TEv26e8TgD0pE54ckovGDElFfeeD+NHRfVu8y76/v5pLYUhHlvwtOAPuZ3WJfsUX2AbvCXmYV9jzLsWOsl+1jKfgNbsM3cB0+gjfhMoQwAU8IS/R5KIgn3XB5WSIOL0nE5kWJWPyCRExekI\
     jBX5CIzs9LROPPSkTlz8SJ7vFxibj8nEQc/rhEbD4mEYuPSMTkWYkYfEgiOh+QiMaPS0TlnrSUPG5LxOWGRByuSsTm/RKx+EMSMevf5m7V8p88c7dX8Ll4tk2Vz0rrw4s+6jazd2s/Zz+wm/XNJLbY\
     u+CB5iOtP139cOnTL5c/W1h+/dV+08JTN9bkPQ2yoeFAdU1ub5A1Cx9Z/SAYHR2mgP0oqv8novbPi8o/LOp+u6j634qaf01U/ClR7634iOx/P4nGUZjYT0kGHqEkHfsoScMeSlLxMCGpHnZTkouHKM\
     nBg5Rk4wFKsnAfJZnYQUkGtlGSjilK0gb+oCR14PZq/tkVkX+rnv+GnN+5G8SdsVEmdRuPVQnJQo+STHQpyUCHknS0KUlDi5JUNAlJ89CgJBd1QjJUPEGdy8PHKMnF45Tk4KPV/3R5OahR87JRra7m\
     vxfa1/IfrX/yHtjoVKaJp5CQDMzeICQds5RLw5OUS8WThMvwcJhwGS4OUy4HhyiXjUO4NuvSZlX7xmFYOEiN0MRBal4GIuXSEfFO/d8jUr1h/d/8GVseniXGbrl4lpix5WCOctmYo1wWjlEuE8col4\
     FnKJeOZyiXhqOUS8VRajV4OEKtBhdHKJeDpymXjafrrr8BmnXPeg==";
