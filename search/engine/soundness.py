"""Whether a part agrees with itself, whatever its kind. The rooms that read parts say what that means."""

from __future__ import annotations

from search.storage.container import Part
from search.storage.segments import COLUMNS, FURNITURE, KEYWORD, STORIES, VECTORS


def check_part(part: Part) -> bool:
    """Raise ArchiveDamaged for a part whose numbers contradict each other; once for each state of a file.

    False where that cannot be said: of a part that another version made, which this one reads nothing of.
    """
    if part.kind == COLUMNS:  # each is imported where it is needed: that is seldom
        from search.storage.soundness import check_columns

        return check_columns(part)
    if part.kind == KEYWORD:
        from search.keyword.part import soundness

        return soundness.check_part(part)
    if part.kind == VECTORS:
        from search.vector import check_part as check_vectors

        check_vectors(part)
    if part.kind == STORIES:
        from search.engine.stories.groups import links
        from search.engine.stories.part import opened

        opened(part)
        links(part)
    if part.kind == FURNITURE:
        from search.engine.furniture import part as furniture

        if not furniture.is_current(part):
            return False
        furniture.check_part(part)
    return True
