"""Folders of identities, `Name/*.jpg`, for face verification (FaceScrub: Ng and Winkler 2014)."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import ClassVar

from benchmark.data.files import Files, folder_name
from benchmark.data.sources import DividedSource, Listing, divide
from benchmark.errors import InputError
from benchmark.paths import located
from benchmark.spec.component import setting


class FaceFolder(DividedSource, name="data/face_folder"):
    """Faces with their identity, numbered from 0 in order of names; a picture's folder is its identity.

    Attributes:
        held_out: `images` holds some pictures of every identity out of training; `identities` holds whole identities
            out, so that verification runs on people never seen (their numbers follow the C trained ones).
        identities: a file with the names of those that take part, one a line; null takes all.
    """

    root: str = setting(default="data/faces", stage="runtime")
    size: int = setting(default=112, low=8)
    held_out: str = setting(default="images", choices=("images", "identities"))
    identities: str | None = setting(default=None, stage="runtime")

    private: ClassVar[bool] = True
    remedy: ClassVar[str] = (
        "FaceScrub's authors give out its list of pictures on request (http://vintage.winklerbros.net/facescrub.html; "
        "CC BY-NC-ND 4.0); put them, or other faces, into one folder for each identity, NAME/*.jpg, and name the "
        "folder, or a zip file of it, by the data's setting root or keep it in the folder of WHOSENET_DATA."
    )

    def listing(self, files: Files) -> tuple[Listing, Listing, Listing]:
        people = self._people(files)
        parts = self._by_identity(people) if self.held_out == "identities" else self._by_picture(people)
        for split, part in (("validation", parts[1]), ("test", parts[2])):
            pictures = Counter(target for _, target in part)
            if len(pictures) < 2 or max(pictures.values()) < 2:
                raise InputError(
                    f"{self.root}: too few pictures for pairs, the {split} split needs two identities and two pictures "
                    f"of one, it has {len(part)} of {len(pictures)}; change train, valid or held_out"
                )
        return parts

    def _people(self, files: Files) -> dict[str, list[str]]:
        """The pictures of everyone who takes part, in order of names."""
        people: dict[str, list[str]] = defaultdict(list)
        for name in files.pictures():
            if not folder_name(name):
                raise InputError(f"{self.root}: {name} lies in no identity's folder, wants NAME/*.jpg")
            people[folder_name(name)].append(name)
        wanted = set(people) if self.identities is None else self._wanted(self.identities)
        if missing := sorted(wanted - set(people)):
            raise InputError(f"identities: {self.identities} lists {missing[0]}, of whom {self.root} has no pictures")
        return {person: people[person] for person in sorted(wanted)}

    def _wanted(self, path: str) -> set[str]:
        try:
            place = located(path)
            if not place.is_file():  # of a pipe or a device there may be no end
                raise FileNotFoundError
            lines = place.read_text(encoding="utf-8").splitlines()
        except (OSError, RuntimeError, ValueError):  # no UTF-8 is a ValueError, an unknown ~user a RuntimeError
            raise InputError(f"identities: cannot read {path}; give a file with one name a line, or null") from None
        return {line.strip() for line in lines if line.strip()}

    def _by_picture(self, people: dict[str, list[str]]) -> tuple[Listing, Listing, Listing]:
        parts: tuple[Listing, Listing, Listing] = ([], [], [])
        for target, (person, pictures) in enumerate(people.items()):
            dealt = divide([[i] for i in range(len(pictures))], self.shares, seed=target)
            if not dealt[0]:
                raise InputError(f"{self.root}: {person} has too few pictures ({len(pictures)}) for train={self.train}")
            for part, members in zip(parts, dealt, strict=True):
                part += [(pictures[member], float(target)) for member in members]
        return parts

    def _by_identity(self, people: dict[str, list[str]]) -> tuple[Listing, Listing, Listing]:
        parts: tuple[Listing, Listing, Listing] = ([], [], [])
        owners: list[str] = []
        groups = []
        for person, pictures in people.items():
            groups.append(range(len(owners), len(owners) + len(pictures)))
            owners += [person] * len(pictures)
        target = 0
        for part, members in zip(parts, divide(groups, self.shares), strict=True):
            for person in dict.fromkeys(owners[member] for member in members):
                part += [(picture, float(target)) for picture in people[person]]
                target += 1
        return parts
