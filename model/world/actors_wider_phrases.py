"""More ways to name who and what can move, and what they do: so many that a word which is not among them is near one.

Whoever goes somewhere may do so in many ways, and the small words after tell what for: to somebody, past, away, about.
"""

from __future__ import annotations

from model.world.actors_words import EventWords, in_list, in_lists

_GOING = in_list(
    "runs, walks, jogs, sprints, skips, hops, gallops, marches, strides, tiptoes, sneaks, toddles, waddles, bounces, "
    "rolls, darts, hurtles, bolts, storms, stomps, sails, sweeps, slides, shuffles, hobbles, limps, staggers, "
    "saunters, struts, canters, prances, bounds, leaps, lopes, pads, plods, streaks, tears, charges, flits, slinks, "
    "scoots, scrambles, scuttles, dances, twirls, cruises, rumbles, rattles, swaggers, stumbles, wobbles, drifts, "
    "stalks, shambles, steals, pelts, hastens, barrels, careers"
)
_FLYING = in_list("soars, wheels, sails, swoops, whirls, drifts, spirals, swirls, wings, bobs, flaps")


def _each(ways: tuple[str, ...], templates: str) -> tuple[str, ...]:
    """Every way in one of the templates, by turns; `{v}` is the way."""
    found = in_list(templates)
    return tuple(found[idx % len(found)].replace("{v}", way) for idx, way in enumerate(ways))


WIDER_EVENTS = EventWords(
    nouns=in_lists(
        {
            "girl": "little sister, granddaughter, niece, maiden, heroine, tomboy, baby girl",
            "boy": "nephew, grandson, little brother, choirboy, newsboy, page boy, baby boy",
            "woman": (
                "aunt, granny, wife, bride, nurse, waitress, dancer, saleswoman, policewoman, duchess, grandma, mum, "
                "mom"
            ),
            "man": (
                "uncle, grandpa, husband, groom, dad, sailor, soldier, farmer, butler, monk, salesman, bearded man, "
                "chap, bloke, fireman, baker"
            ),
            "person": (
                "villager, citizen, walker, guest, companion, adult, figure, jogger, student, teacher, artist, musician"
            ),
            "kitten": (
                "moggy, kitty cat, house cat, stray cat, siamese cat, persian cat, furry cat, alley cat, tabby "
                "kitten, mouser, puss, siamese"
            ),
            "dog": (
                "pup, spaniel, bulldog, collie, retriever, corgi, greyhound, mutt, mongrel, guide dog, chihuahua, "
                "pug, dalmatian, german shepherd, stray dog, lapdog, canine, bloodhound, setter"
            ),
            "umbrella": (
                "folding umbrella, big umbrella, paper parasol, bumbershoot, cocktail umbrella, patio umbrella, gamp, "
                "paper umbrella, sun shade"
            ),
            "lamp": (
                "lantern post, paper lantern, light post, street lantern, iron lamp, standing lamp, oil lamp, "
                "floodlight, lamp standard, torch on a pole, garden light"
            ),
            "car": (
                "convertible, hatchback, pickup, pickup truck, race car, racing car, coupe, station wagon, lorry, "
                "roadster, saloon car, electric car, delivery van, ambulance, fire engine, camper van, SUV"
            ),
            "tree": (
                "elm, beech, ash tree, chestnut tree, cedar, cypress, palm tree, oak tree, sapling, olive tree, pear "
                "tree, plane tree, sycamore, larch, acacia, christmas tree, alder, juniper"
            ),
            "fountain": (
                "town fountain, village fountain, bubbling fountain, splashing fountain, wishing fountain, water "
                "feature, water jet, fountain basin, baroque fountain"
            ),
            "bird": (
                "starling, magpie, raven, jay, gull, hawk, falcon, goose, swan, stork, heron, woodpecker, canary, "
                "budgie, nightingale, cuckoo, kingfisher, hen, rooster, thrush, lark, wren, vulture, pelican"
            ),
            "balloon": (
                "hot-air balloon, inflatable balloon, shiny balloon, round balloon, gas balloon, weather balloon, "
                "foil balloon, big balloon"
            ),
        }
    ),
    colours=in_lists(
        {
            "red": "vermilion, maroon, burgundy, brick red, wine red, fiery red, carmine",
            "orange": "apricot, copper, carrot-coloured, pumpkin, peach, terracotta, burnt orange, bright orange",
            "yellow": "saffron, straw-coloured, honey-coloured, sunflower yellow, butter yellow, pale yellow, gold",
            "green": "lime green, forest green, grass green, moss green, bottle green, sage green, jade, bright green",
            "blue": "turquoise, teal, sapphire, baby blue, midnight blue, ocean blue, aqua, bright blue",
            "purple": "plum, amethyst, grape, aubergine, deep purple, heather",
            "pink": "fuchsia, coral pink, hot pink, blush pink, pale pink, candy pink, flamingo pink",
            "white": "pearl white, chalk white, milk-white, off-white, pure white, alabaster",
            "black": "raven black, coal black, inky, charcoal black, midnight black, onyx",
            "brown": "caramel, coffee-coloured, mahogany, cinnamon, sandy brown, dark brown, walnut, russet, cocoa",
            "grey": "slate grey, charcoal grey, steel grey, smoky grey, light grey, dark grey, pewter, leaden",
        }
    ),
    actions={
        "appear": in_list(
            "summon {s}, imagine {s}, {s} turns up, {s} steps out, {s} comes out, {s} walks in, produce {s}, make "
            "{s}, generate {s}, {s} please, also {s}, a scene with {s}, {s} can be seen, we meet {s}, we come across "
            "{s}, we find {s}, we notice {s}, let me see {s}, {s} enters, {s} steps into view, {s} is sitting there, "
            "{s} stands beside {t}, drop {s} here, {s} over there, what about {s}, we discover {s}, dream up {s}, {s} "
            "takes shape, {s} becomes visible, let us have {s}, we run into {s}, plant {s} here, {s} shows itself, "
            "call {s}"
        ),
        "come": _each(
            _GOING,
            "{s} {v} to {t}, {s} {v} over to {t}, {s} {v} up to {t}, {s} {v} toward {t}, {s} {v} right up to {t}",
        )
        + in_list(
            "{s} heads for {t}, {s} makes for {t}, {s} finds its way to {t}, {s} draws near, {s} gets close to {t}, "
            "{s} reaches {t}, {s} comes near {t}, {s} returns to {t}, {s} greets {t}, call {s} over to {t}"
        ),
        "pass": _each(
            _GOING,
            "{s} {v} past, {s} {v} by, {s} {v} past {t}, {s} {v} across the street, {s} {v} by us, {s} {v} past us",
        )
        + in_list("{s} overtakes us, {s} crosses our path, {s} goes along the road, {s} moves across the scene"),
        "crouch": in_list(
            "{s} hugs {t}, {s} scratches {t} behind the ears, {s} bends the knee, {s} leans over {t}, {s} gets down "
            "on all fours, {s} sits beside {t}, {s} fondles {t}, {s} gives {t} a pat, {s} gives {t} a hug, {s} "
            "touches {t} gently, {s} tickles {t}, {s} holds {t} close, {s} squats beside {t}, {s} drops to one knee, "
            "{s} curls up, {s} sinks down, {s} embraces {t}, {s} bows down to {t}, {s} stretches out a hand to {t}, "
            "{s} fusses over {t}"
        ),
        "leave": _each(_GOING, "{s} {v} away, {s} {v} off, {s} {v} away from us, {s} {v} off into the distance")
        + in_list(
            "{s} goes out of sight, {s} retreats, {s} exits, {s} withdraws, clear {s} away, eliminate {s}, dismiss "
            "{s}, banish {s}, {s} slips away, {s} melts away, {s} flees, {s} escapes, {s} heads off, {s} sets off, "
            "{s} says goodbye, get {s} out of here, shoo {s} away, throw {s} out, wipe {s} out, {s} is no longer "
            "here, {s} heads home, {s} takes its leave, I am tired of {s}, no more {s}, have {s} go, tell {s} to go, "
            "let {s} go"
        ),
        "wander": _each(_GOING, "{s} {v} around, {s} {v} about, {s} {v} here and there")
        + in_list(
            "{s} romps, {s} frisks about, {s} gambols, {s} loiters, {s} rambles, {s} meanders, {s} potters about, {s} "
            "chases butterflies, {s} patrols, {s} looks around, {s} tumbles about, {s} jumps around, {s} plays with a "
            "ball, {s} has fun, {s} is playing, {s} takes a stroll, {s} romps in the grass, {s} capers, {s} skips "
            "about"
        ),
        "fly": _each(
            _FLYING * 3,
            "{s} {v} through the air, {s} {v} overhead, {s} {v} above us, {s} {v} up into the sky, {s} {v} in the air",
        )
        + in_list(
            "{s} ascends, {s} lifts off, {s} flaps its wings, {s} spreads its wings, {s} hangs in the air, {s} climbs "
            "into the sky, {s} levitates, {s} goes up, {s} is in the air, {s} rises higher, {s} circles in the sky, "
            "{s} skims over the roofs, {s} takes to the air, {s} dances in the air"
        ),
        "stand": in_list(
            "{s} pauses, {s} freezes, {s} waits, {s} does not move, {s} remains where it is, {s} gets back up, {s} "
            "rises to her feet, {s} stays put, {s} comes to rest, {s} ceases to move, {s} stands upright, {s} pulls "
            "up, {s} quits running, hold {s} there, keep {s} there, {s} calms down, {s} stands tall, {s} jumps to its "
            "feet, {s} ends its walk, tell {s} to wait, {s} takes a break, {s} stops dead, {s} sits up, {s} slows to "
            "a stop"
        ),
    },
    cameras=in_lists(
        {
            "static": (
                "steady the camera, hold the shot, keep the shot still, pause the camera, let the camera stay, no "
                "camera movement, a motionless camera, the camera remains in place, put the camera on a tripod, hold "
                "the frame, keep the frame fixed, an immobile shot, anchor the camera, camera at rest"
            ),
            "pan_left": (
                "turn the camera left, move the view to the left, shift the camera to the left, the camera swings "
                "left, the camera sweeps to the left, slide the view left, the shot pans left, camera to the left, "
                "spin the camera left, steer the camera leftwards"
            ),
            "pan_right": (
                "turn the camera right, move the view to the right, shift the camera to the right, the camera swings "
                "right, the camera sweeps to the right, slide the view right, the shot pans right, camera to the "
                "right, spin the camera right, steer the camera rightwards"
            ),
            "tilt_up": (
                "look up with the camera, turn the camera up, aim the camera upward, the camera rises to the sky, "
                "point the camera upward, lean the camera back, incline the camera upward, the view tilts up, swing "
                "the camera up, aim the shot at the clouds"
            ),
            "tilt_down": (
                "look down with the camera, turn the camera down, aim the camera downward, the camera sinks to the "
                "ground, point the camera downward, lean the camera forward, incline the camera downward, the view "
                "tilts down, swing the camera down, aim the shot at the grass"
            ),
            "push_in": (
                "go in closer, close in on {t}, approach {t} with the camera, let the camera approach {t}, the camera "
                "slides in, advance the camera, track in, magnify {t}, inch closer to {t}, narrow the shot, focus in "
                "on {t}, the camera advances, the camera moves toward {t}, sneak up on {t} with the camera"
            ),
            "pull_back": (
                "step the camera back, reveal the surroundings, retreat with the camera, track out, the camera "
                "recedes, give me a wider angle, see more of the scene, the camera withdraws, back away from {t}, a "
                "long shot, show more of the place, zoom away from {t}, a full shot, take the camera away from {t}"
            ),
            "orbit": (
                "spin around {t}, go round {t}, wheel around {t}, turn around {t} with the camera, film {t} from all "
                "sides, a 360 shot around {t}, travel around {t}, sweep around {t}, the camera runs around {t}, "
                "encircle {t}, loop around {t}, the camera wheels around {t}, whirl around {t}, see {t} from every "
                "side"
            ),
        }
    ),
    perspectives=in_lists(
        {
            "third_person": (
                "a follow camera, the camera trails {t}, tail {t}, view the character from outside, an external "
                "camera, watch {t} from behind, stay behind {t}, let me watch {t} walk, pull out of her head, behind "
                "the back of {t}, a tracking view from behind, show the player from behind"
            ),
            "first_person": (
                "as if I were her, with her own eyes, from inside her head, look through his eyes, the view of the "
                "player, from the character's point of view, from my own point of view, first-person mode, as seen by "
                "{t}, eyes of the character, see what she sees, see what {t} sees"
            ),
        }
    ),
    surroundings=in_lists(
        {
            "scene": (
                "a {c} plain, {c} fields, {c} woods, {c} streets, a {c} coast, a {c} market, a {c} town, {c} "
                "grassland, a {c} place, a {c} pasture, an alley with {c} lights, a street of {c} houses, a meadow "
                "full of {c} flowers, a beach with {c} sand"
            ),
            "beside": (
                "in front of a {c} shop, on a {c} blanket, at a {c} window, near the {c} hills, under a {c} moon, "
                "beside {c} rocks, by a {c} stall, on the {c} pavement, in {c} fog, against a {c} background, by {c} "
                "curtains, beneath {c} signs, on a {c} floor, among {c} bushes"
            ),
        }
    ),
)
