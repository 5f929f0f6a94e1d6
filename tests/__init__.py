"""The tests, room by room.

cache/    the layer, on models of its own (cache/zoo): a folder or file for each room of the layer
races/    the races that a cache can lose, forced, each also without its protection
planets/  planets, moons and their pages
site/     settings, serving, health, the demo, the docs
support/  what tests of several rooms use; fixtures are in the conftest.py of their room
bench/    the benchmark beside the peers
hunt/     readers, writers and chaos, searching for a stale read
"""
