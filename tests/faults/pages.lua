-- What wrk asks for: each page of the site in turn.
local pages = {
  "/", "/planets/1/", "/planets/2/", "/planets/3/", "/planets/4/", "/planets/5/", "/planets/6/",
  "/planets/8/", "/compare/?planets=3,5", "/moons/", "/?kind=gas-giant&sort=mass",
  "/moons/?planet=5",
}
local number = 0
function request()
  number = number + 1
  return wrk.format("GET", pages[number % #pages + 1])
end
