"""What a fresh database knows: eight planets in the tutorial's order, and their well-known moons.

Planets: NASA's Planetary Fact Sheet (see facts.py for units); its radius is half its diameter.
Moons: NASA's satellite fact sheets and JPL's tables of satellites; mean radius in km, orbital
period in days.
"""

# name, kind, mass, radius, density, gravity, escape velocity, rotation period, length of day,
# distance, orbital period, orbital velocity, axial tilt, mean temperature, surface pressure,
# rings, magnetic field
_SHEET: tuple[tuple[str | float | bool | None, ...], ...] = (
    ("Mercury", "terrestrial", 0.330, 2439.5, 5429, 3.7, 4.3, 1407.6, 4222.6,
     57.9, 88.0, 47.4, 0.034, 167, 0, False, True),
    ("Venus", "terrestrial", 4.87, 6052, 5243, 8.9, 10.4, -5832.5, 2802.0,
     108.2, 224.7, 35.0, 177.4, 464, 92, False, False),
    ("Earth", "terrestrial", 5.97, 6378, 5514, 9.8, 11.2, 23.9, 24.0,
     149.6, 365.2, 29.8, 23.4, 15, 1, False, True),
    ("Mars", "terrestrial", 0.642, 3396, 3934, 3.7, 5.0, 24.6, 24.7,
     228.0, 687.0, 24.1, 25.2, -65, 0.01, False, False),
    ("Jupiter", "gas-giant", 1898, 71492, 1326, 23.1, 59.5, 9.9, 9.9,
     778.5, 4331, 13.1, 3.1, -110, None, True, True),
    ("Saturn", "gas-giant", 568, 60268, 687, 9.0, 35.5, 10.7, 10.7,
     1432.0, 10747, 9.7, 26.7, -140, None, True, True),
    ("Uranus", "ice-giant", 86.8, 25559, 1270, 8.7, 21.3, -17.2, 17.2,
     2867.0, 30589, 6.8, 97.8, -195, None, True, True),
    ("Neptune", "ice-giant", 102, 24764, 1638, 11.0, 23.5, 16.1, 16.1,
     4515.0, 59800, 5.4, 28.3, -200, None, True, True),
)  # fmt: skip
_COLUMNS = (
    "name", "kind", "mass", "radius", "density", "gravity", "escape_velocity", "rotation_period",
    "day_length", "distance", "orbital_period", "orbital_velocity", "axial_tilt",
    "mean_temperature", "surface_pressure", "has_rings", "has_magnetic_field",
)  # fmt: skip

# colour, accent, ring colour, description
_LOOKS = {
    "Mercury": (
        "#a89f94", "#6d645c", "",
        "The smallest planet and the fastest. One of its days lasts two of its years, and with no "
        "air to hold the heat its nights fall to -180 degrees.",
    ),
    "Venus": (
        "#e3bf7d", "#b57a35", "",
        "Nearly the Earth's twin in size, and hotter than an oven: thick clouds trap the heat. "
        "It turns backwards, so slowly that its day lasts 117 of ours.",
    ),
    "Earth": (
        "#3f7fc4", "#4d8a5b", "",
        "The densest planet, the only one with seas under an open sky, and the only place so far "
        "where anyone has asked what the others are like.",
    ),
    "Mars": (
        "#c96a45", "#8a3f28", "",
        "A cold desert under thin air, rusted red. It has the tallest volcano known, and dry "
        "valleys that rivers cut when it was young.",
    ),
    "Jupiter": (
        "#d8b48c", "#9a6242", "",
        "More than twice as heavy as all other planets together, and the quickest to turn: ten "
        "hours. Its Great Red Spot is a storm wider than the Earth.",
    ),
    "Saturn": (
        "#e2cc97", "#b08d55", "#cdb98c",
        "Less dense than water, and ringed by ice: from grains to blocks as big as houses, in a "
        "disc wider than twenty Earths and mostly no thicker than a tall house.",
    ),
    "Uranus": (
        "#a3d9de", "#6cb1bd", "",
        "It rolls around the Sun on its side, so that each pole has 42 years of light and then 42 "
        "of dark. Methane in its air gives it its pale green-blue.",
    ),
    "Neptune": (
        "#5a83dc", "#324fae", "",
        "The farthest planet, found by calculation before anyone knowingly saw it. Winds race "
        "there faster than sound does in our own air.",
    ),
}  # fmt: skip

# What the ancients saw has no year.
_FOUND = {"Earth": (None, ""), "Uranus": (1781, "sight"), "Neptune": (1846, "sight")}

STAR = "Sun"
PLANETS: tuple[dict[str, str | float | bool | None], ...] = tuple(
    dict(zip(_COLUMNS, row, strict=True))
    | {"position": position, "star": STAR}
    | dict(
        zip(
            ("discovery_year", "discovery_method"),
            _FOUND.get(str(row[0]), (None, "sight")),
            strict=True,
        )
    )
    | dict(
        zip(("colour", "accent", "ring_colour", "description"), _LOOKS[str(row[0])], strict=True)
    )
    for position, row in enumerate(_SHEET, start=1)
)

_MOON_COLUMNS = ("planet", "name", "radius", "orbital_period", "discovery_year", "discoverer")
MOONS: tuple[dict[str, str | float | None], ...] = tuple(
    dict(zip(_MOON_COLUMNS, row, strict=True))
    for row in (
        ("Earth", "Moon", 1737.4, 27.322, None, ""),
        ("Mars", "Phobos", 11.1, 0.319, 1877, "Asaph Hall"),
        ("Mars", "Deimos", 6.2, 1.262, 1877, "Asaph Hall"),
        ("Jupiter", "Amalthea", 83.5, 0.498, 1892, "Edward Barnard"),
        ("Jupiter", "Io", 1821.5, 1.769, 1610, "Galileo Galilei"),
        ("Jupiter", "Europa", 1560.8, 3.551, 1610, "Galileo Galilei"),
        ("Jupiter", "Ganymede", 2631.2, 7.155, 1610, "Galileo Galilei"),
        ("Jupiter", "Callisto", 2410.3, 16.689, 1610, "Galileo Galilei"),
        ("Saturn", "Mimas", 198.2, 0.942, 1789, "William Herschel"),
        ("Saturn", "Enceladus", 252.1, 1.370, 1789, "William Herschel"),
        ("Saturn", "Tethys", 531.1, 1.888, 1684, "Giovanni Cassini"),
        ("Saturn", "Dione", 561.4, 2.737, 1684, "Giovanni Cassini"),
        ("Saturn", "Rhea", 763.8, 4.518, 1672, "Giovanni Cassini"),
        ("Saturn", "Titan", 2574.7, 15.945, 1655, "Christiaan Huygens"),
        ("Saturn", "Hyperion", 135.0, 21.277, 1848, "William and George Bond, William Lassell"),
        ("Saturn", "Iapetus", 734.5, 79.330, 1671, "Giovanni Cassini"),
        ("Uranus", "Puck", 81.0, 0.762, 1985, "Voyager 2"),
        ("Uranus", "Miranda", 235.8, 1.413, 1948, "Gerard Kuiper"),
        ("Uranus", "Ariel", 578.9, 2.520, 1851, "William Lassell"),
        ("Uranus", "Umbriel", 584.7, 4.144, 1851, "William Lassell"),
        ("Uranus", "Titania", 788.9, 8.706, 1787, "William Herschel"),
        ("Uranus", "Oberon", 761.4, 13.463, 1787, "William Herschel"),
        ("Neptune", "Proteus", 210.0, 1.122, 1989, "Voyager 2"),
        ("Neptune", "Triton", 1353.4, -5.877, 1846, "William Lassell"),
        ("Neptune", "Nereid", 170.0, 360.136, 1949, "Gerard Kuiper"),
    )
)
