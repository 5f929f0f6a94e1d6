import pytest, time
from django.test import Client
from planets.cache import fetched
from planets.models import Planet, Moon
pytestmark=[pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("solar_system")]

def test_home(redis, events, round_trips, django_assert_num_queries):
    c=Client()
    def get(path):
        events.clear(); round_trips.clear()
        r=c.get(path)
        print(path, r.status_code, [(e.kind,e.outcome,e.reason) for e in events], round_trips)
        return r
    a=get("/"); b=get("/")
    assert a.content==b.content
    print(b.headers)
    get("/planets/3/"); get("/planets/3/")
    Moon.objects.filter(pk=1).update(radius=3)
    get("/"); get("/planets/3/")
    get("/planets/3/")
    Planet.objects.filter(pk=5).update(mass=3)
    get("/planets/3/"); get("/"); get("/")
    get("/planets/99/"); get("/planets/99/")
    get("/?x=1")
    events.clear(); round_trips.clear()
    r=c.get("/", headers={"If-None-Match": b.headers["ETag"]}); print(r.status_code, round_trips)
    for _ in range(200): c.get("/")
    t=time.perf_counter()
    for _ in range(500): c.get("/")
    print("hit us", (time.perf_counter()-t)/500*1e6)
