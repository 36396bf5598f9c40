"""A certificate authority of a test's own, made with openssl."""
import os
import subprocess


class Authority:
    """issue(name, ...) gives the paths of a certificate and its key."""

    def __init__(self, folder, name="larder test CA"):
        self.folder = str(folder)
        self.certificate = self._path("ca.pem")
        self._key = self._path("ca.key")
        self._run(
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
            "-keyout",
            self._key,
            "-out",
            self.certificate,
            "-subj",
            f"/CN={name}",
        )

    def _path(self, name):
        return os.path.join(self.folder, name)

    @staticmethod
    def _run(*words):
        subprocess.run(["openssl", *words], check=True, capture_output=True)

    def issue(self, *names, as_file=None):
        """For DNS names and IP addresses; the first one is the subject."""
        file = self._path(as_file or names[0])
        request, extension = file + ".csr", file + ".ext"
        alternatives = ",".join(f"IP:{name}" if name.replace(".", "").isdigit() else f"DNS:{name}" for name in names)
        with open(extension, "w") as out:
            out.write(f"subjectAltName={alternatives}\n")
        self._run(
            "req",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-keyout",
            file + ".key",
            "-out",
            request,
            "-subj",
            f"/CN={names[0]}",
        )
        self._run(
            "x509",
            "-req",
            "-in",
            request,
            "-CA",
            self.certificate,
            "-CAkey",
            self._key,
            "-CAcreateserial",
            "-days",
            "2",
            "-extfile",
            extension,
            "-out",
            file + ".pem",
        )
        return file + ".pem", file + ".key"
