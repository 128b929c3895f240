"""Text like people post it: several languages, emoji, hashtags, links, and lengths as they occur."""

from __future__ import annotations

import random

from .. import checks
from .words import EMOJI, JOIN, LANGUAGES, LINKS, PHRASES, TAGS

# Characters of a post at each tenth of the population, shortest to longest: most are a line, a few are essays.
LENGTH_DECILES = (4, 18, 34, 52, 74, 102, 140, 196, 290, 520, 2400)


class TextGenerator:
    """Posts and short answers, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(f"np2p text {checks.count('seed', seed)}")
        self._languages = [language for language, share in LANGUAGES.items() for _ in range(share)]

    def post(self) -> str:
        """A plain post: a language by its share, a length (characters) by LENGTH_DECILES."""
        rng = self._rng
        language = rng.choice(self._languages)
        tenth = rng.randrange(10)
        low, high = LENGTH_DECILES[tenth], LENGTH_DECILES[tenth + 1]
        wanted = low + int((high - low) * rng.random() ** 2)
        if language in JOIN:
            wanted = wanted // 2 + 1  # one of these characters says as much as two of the others
        return self._write(language, wanted)

    def answer(self) -> str:
        """A reply: one time in four an emoji, otherwise 10 to 100 characters."""
        rng = self._rng
        if rng.random() < 0.25:
            return rng.choice(EMOJI)
        return self._write(rng.choice(self._languages), 10 + rng.randrange(90))

    def reaction(self) -> str:
        """What is said of a note: seven times in ten '+', otherwise an emoji."""
        return "+" if self._rng.random() < 0.7 else self._rng.choice(EMOJI)

    def _write(self, language: str, wanted: int) -> str:
        rng = self._rng
        join = JOIN.get(language, ". ")
        text = ""
        deck: list[str] = []
        while len(text) < wanted:
            deck = deck or rng.sample(PHRASES[language], len(PHRASES[language]))
            phrase = deck.pop()
            if text and rng.random() < 0.2:
                text += "\n\n" + phrase
            elif text:
                text += (" " if text.endswith("?") else join) + phrase
            else:
                text = phrase
        if len(text) > 2 * wanted + 8:
            cut = text.rfind(" ", 0, wanted + 1)
            text = text[: cut if cut > 3 else wanted + 1]
        if rng.random() < 0.30:
            text += " " + rng.choice(EMOJI) * rng.choice((1, 1, 1, 2, 3))
        if rng.random() < 0.15:
            text += " " + " ".join(rng.sample(TAGS, rng.choice((1, 1, 2, 3))))
        if rng.random() < 0.12:
            text += "\n" + rng.choice(LINKS).format(rng.getrandbits(32))
        return text
