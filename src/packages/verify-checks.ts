/**
 * The part of VERIFY.md that is the same in every package: commands of tools that others wrote, in the folder of the file. Tests run them.
 * docs/auditors.md explains each.
 */
export const VERIFY_CHECKS = `## Is it whole?

With coreutils; says nothing where every file has its digest:

    (cd bag && sha256sum -c --quiet --strict manifest-sha256.txt tagmanifest-sha256.txt)
    (cd bag && sha512sum -c --quiet --strict manifest-sha512.txt tagmanifest-sha512.txt)

With the validator of the Library of Congress, which also finds files that no manifest lists (1.9 or later: earlier ones
do not look at the tag manifests of BagIt 1.0):

    pip install 'bagit>=1.9'
    bagit.py --validate --quiet bag

## Who made it?

The tag manifest is signed, and with it every file of the bag. First compare the fingerprint of the key with the one that you were sent
another way (GET /v1/signing-keys lists it): the key in this package is only a copy.

    openssl pkey -pubin -in keys/package-signing.pem -outform DER | sha256sum
    openssl dgst -sha256 -verify keys/package-signing.pem -signature sig/tagmanifest.p256.sig bag/tagmanifest-sha256.txt

With cosign 3.1 or later; then of this file and each of keys/, which lie outside of the bag and are named by the statement:

    cosign verify-blob-attestation --key keys/package-signing.pem --bundle sig/statement.sigstore.json --trusted-root keys/trusted_root.json --insecure-ignore-tlog --type https://safeguard.dev/predicates/audit-package/v1 bag/tagmanifest-sha256.txt
    for file in VERIFY.md keys/*; do cosign verify-blob-attestation --key keys/package-signing.pem --bundle sig/statement.sigstore.json --insecure-ignore-tlog --type https://safeguard.dev/predicates/audit-package/v1 $file; done

## When was it signed?

Where there is a file sig/tagmanifest.p256.sig.tsr, a time-stamping authority (RFC 3161) says so:

    openssl ts -verify -data sig/tagmanifest.p256.sig -in sig/tagmanifest.p256.sig.tsr -CAfile keys/tsa-chain.pem
    openssl ts -reply -in sig/tagmanifest.p256.sig.tsr -text

## Was the audit log written anew?

With Go 1.24 or later and Tessera's fsck: wait for its last line, \`Successfully fsck'd log\`. Version 1.0.4 ends with 0 whatever it
found, or stands still:

    go install github.com/transparency-dev/tessera/cmd/fsck@v1.0.4
    fsck --ui=false --storage_url=file://$PWD/bag/data/log/ --public_key=keys/log.vkey

A log that was written anew from its beginning is right in itself. That it was not, your own copy of an earlier bag/data/log/checkpoint
tells, a receipt, or a witness whom you know:

    safeguard verify . --fingerprint SHA256-OF-THE-KEY --checkpoint FILE --receipt FILE --witness FILE

That command does all of the above at once and more, offline; each option may be left out. docs/auditors.md of Safeguard explains it all.
`;
