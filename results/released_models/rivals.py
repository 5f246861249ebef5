# SPDX-License-Identifier: Apache-2.0
"""The search: what a released mixture's stand-in could have been instead, at its loss by a law and within its training
FLOP, when one choice is freed at a time.

  tokens        size against tokens, E, G and S kept
  experts       E, with the same tokens (the size follows from the loss)
  parts         G and S, with the same tokens
  architecture  E, G and S, with the same tokens
  all           E, G, S, size and tokens, up to MOST_TOKENS
"""
import math
from dataclasses import dataclass

from market import EXPERTS, INSTANCES, MOST_EXPERTS, PARTS, SIZES

STEP = 1.03
FINE = [SIZES[0] * STEP ** i for i in range(int(math.log(SIZES[-1] / SIZES[0]) / math.log(STEP)) + 1)]
MOST_TOKENS = 4e13    # about the most that any released model was given (4.8e13); a row that used more may use as much
GRID = [(1, 1, 0)] + [(e, g, s) for e in EXPERTS if e > 1 for g in PARTS for s in ((0, 1) if g > 1 else (0,))
                      if e * g <= MOST_EXPERTS]


@dataclass
class StandIn:
    model: object        # models.Released
    family: str
    n: float
    experts: float
    parts: float
    shared: float
    by_size: bool        # E from the total, because experts of a layer would miss it by more than a quarter
    shape: object = None

    @property
    def own(self):
        return (self.experts, self.parts, self.shared)


def stand_in(market, model, family):
    n, g, s = model.body, model.parts, model.shared
    want = model.body_total / model.body

    def spread(e):
        shape = market.shape(family, n, e, g, s)
        return shape.total / shape.active
    e = model.full_experts
    by_size = not 0.8 < spread(e) / want < 1.25
    if by_size:
        low, high = 1.0001, float(EXPERTS[-1])
        for _ in range(60):
            e = math.sqrt(low * high)
            low, high = (e, high) if spread(e) < want else (low, e)
    found = StandIn(model, family, n, e, g, s, by_size)
    found.shape = market.shape(family, n, e, g, s)
    return found


class Search:
    def __init__(self, market, laws):
        self.market, self.laws = market, laws
        self.shapes = {}

    def shape(self, family, i, combination):
        key = (family, i, combination)
        if key not in self.shapes:
            self.shapes[key] = self.market.shape(family, FINE[i], *combination)
        return self.shapes[key]

    @staticmethod
    def tokens(law, shape, flop, fixed, most):
        """Tokens of a rival: those fixed, or what the FLOP pay for up to the most; 0: beyond the FLOP."""
        paid = flop / (6 * law.used(shape))
        if fixed:
            return fixed if fixed <= paid * (1 + 1e-9) else 0
        return min(paid, most)

    def reaches(self, law, shape, target, flop, fixed, most):
        if shape is None:
            return False
        d = self.tokens(law, shape, flop, fixed, most)
        return d > 0 and law.loss(shape, d) <= target * (1 + 1e-12)

    def sizes(self, law, family, combination, target, flop, fixed, most, n0):
        """(least, largest) size that reaches the target, or None. Losses fall with size up to an optimum, then rise, so
        every fourth size tells where to look; the least is refined between two sizes."""
        top = min(len(FINE) - 1, int(math.log(max(1.5 * n0, SIZES[0] * 2) / SIZES[0]) / math.log(STEP)))

        def ok(i):
            return self.reaches(law, self.shape(family, i, combination), target, flop, fixed, most)
        inside = [i for i in range(0, top + 1, 4) if ok(i)]
        if not inside:
            return None
        first, last = inside[0], inside[-1]
        while first > 0 and ok(first - 1):
            first -= 1
        while last < top and ok(last + 1):
            last += 1
        low = FINE[first]
        if first > 0:
            below, above = FINE[first - 1], FINE[first]
            for _ in range(8):
                n = math.sqrt(below * above)
                shape = self.market.shape(family, n, *combination)
                below, above = (below, n) if self.reaches(law, shape, target, flop, fixed, most) else (n, above)
            low = above
        return low, FINE[last]

    def price(self, setting, family, combination, bounds, instances=tuple(INSTANCES)):
        """Least price within the sizes, and the size: at the least one and at every size that was served above it."""
        best = None
        for n in [bounds[0]] + [x for x in SIZES if bounds[0] < x <= bounds[1]]:
            usd = self.market.usd(setting, instances, family, n, *combination)
            if usd is not None and (best is None or usd < best[0]):
                best = (usd, n)
        return best

    def own_price(self, setting, s, instances=tuple(INSTANCES)):
        return self.market.usd(setting, instances, s.family, s.n, *s.own)

    def combinations(self, law, s, freed):
        own_e, own_g, own_s = s.own
        if freed == "tokens":
            return [s.own]
        if freed == "experts" or (not law.sees_parts and freed in ("architecture", "all")):
            return [s.own] + [(e, own_g, own_s) for e in EXPERTS if e > 1 and e * own_g <= MOST_EXPERTS] + [(1, 1, 0)]
        if freed == "parts":
            return [s.own] + [(own_e, g, x) for g in PARTS for x in ((0, 1) if g > 1 else (0,))
                              if own_e * g <= MOST_EXPERTS] if law.sees_parts else []
        return [s.own] + GRID

    def bounds_of(self, law, s, freed, memory):
        """{combination: sizes} of one freed choice; memory: what was solved for this law and model."""
        flop = 6 * law.used(s.shape) * s.model.tokens
        target = law.loss(s.shape, s.model.tokens)
        free = freed in ("tokens", "all")
        found = {}
        for c in self.combinations(law, s, freed):
            key = (free, c)
            if key not in memory:
                memory[key] = self.sizes(law, s.family, c, target, flop, 0 if free else s.model.tokens,
                                         max(MOST_TOKENS, s.model.tokens), s.n)
            if memory[key]:
                found[c] = memory[key]
        return found

    def cheapest(self, setting, s, bounds, instances=tuple(INSTANCES)):
        """(USD, N, combination) of the cheapest; the stand-in itself is always a candidate."""
        own = self.own_price(setting, s, instances)
        best = (own, s.n, s.own) if own is not None else None
        for c, sizes in bounds.items():
            found = self.price(setting, s.family, c, sizes, instances)
            if found and (best is None or found[0] < best[0]):
                best = (*found, c)
        return best

    def accepted_by_all(self, s, free, memories):
        """{combination: sizes} that every law accepts."""
        found = {}
        for c in GRID + [s.own]:
            low, high = 0, math.inf
            for law in self.laws:
                key = (free, c)
                memory = memories[law.name]
                if key not in memory:
                    flop = 6 * law.used(s.shape) * s.model.tokens
                    memory[key] = self.sizes(law, s.family, c, law.loss(s.shape, s.model.tokens), flop,
                                             0 if free else s.model.tokens, max(MOST_TOKENS, s.model.tokens), s.n)
                if not memory[key]:
                    high = -1
                    break
                low, high = max(low, memory[key][0]), min(high, memory[key][1])
            if low <= high:
                found[c] = (low, high)
        return found

    def attention(self, law, setting, s, family):
        """(price of the same N, E, G, S in another family over the stand-in's, nats that the saving would buy back)."""
        own = self.own_price(setting, s)
        usd = self.market.usd(setting, tuple(INSTANCES), family, s.n, *s.own)
        if own is None or usd is None:
            return None
        flop = 6 * law.used(s.shape) * s.model.tokens
        target = law.loss(s.shape, s.model.tokens)
        gain = 0.0
        for i, n in enumerate(FINE):
            if n <= s.n or n > 4 * s.n:
                continue
            price = self.market.usd(setting, tuple(INSTANCES), family, n, *s.own)
            if price is None or price > own:
                continue
            shape = self.shape(family, i, s.own)
            gain = max(gain, target - law.loss(shape, flop / (6 * law.used(shape))))
        return usd / own, gain

    def least_flop_share(self, law, s):
        """Least FLOP for the stand-in's loss at its E, G, S and any size, over the FLOP that it took."""
        flop = 6 * law.used(s.shape) * s.model.tokens
        target = law.loss(s.shape, s.model.tokens)
        low, high = 0.0, 1.0
        for _ in range(24):
            share = 0.5 * (low + high)
            hit = any(self.reaches(law, self.shape(s.family, i, s.own), target, flop * share, 0, math.inf)
                      for i in range(0, len(FINE), 3))
            low, high = (low, share) if hit else (share, high)
        return high
