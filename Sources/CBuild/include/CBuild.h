// Describes this build: its version, the commit it was made from, and its architecture.
#ifndef CBUILD_H
#define CBUILD_H

/// The program's version, according to Semantic Versioning. It is defined only here.
#define PSM_ENTRY_VERSION "0.2.0"

/// These functions return strings and never NULL.
const char *cbuild_version(void);
/// 40 hex digits; `unknown` if the builder did not say, as in a tarball of the sources.
const char *cbuild_commit(void);
/// As printed by `uname -m`.
const char *cbuild_architecture(void);

#endif
