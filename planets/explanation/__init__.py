"""`How this page was made`: for the demo, a page about any page, with buttons that do it.

It shows what the cache did for a page (planets.cache.instruments.story), and lets a visitor see the
rest of a page's life: he may end it, or change a planet, and it is made anew. He can do no harm:
each act reaches the page's own keys, is over when it is answered, and there are only so many.
"""
