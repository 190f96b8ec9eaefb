// What this build is: its version, the commit it was made from, and the machine it is for.
#ifndef CBUILD_H
#define CBUILD_H

/// The program's version, by Semantic Versioning. Defined nowhere else.
#define PSM_ENTRY_VERSION "0.2.0"

/// A string each, and never NULL.
const char *cbuild_version(void);
/// 40 hex digits; `unknown` where whoever built did not say, as in a tarball of the sources.
const char *cbuild_commit(void);
/// As `uname -m` says it.
const char *cbuild_architecture(void);

#endif
