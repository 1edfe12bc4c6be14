"""Words that no list to train on has and none held out either: what the heads that ship make of them.

Nothing is ever trained on these. They were looked at while the thesaurus was made, and a puffin is among the
reasons why its nouns may lie far: by the limit that the words held out would do with, who and what was read in 57 %
where it is 58.
"""

from __future__ import annotations

from model.world.actors_words import EventWords, in_lists

NEW_EVENTS = EventWords(
    nouns=in_lists(
        {
            "girl": "damsel, gal, schoolkid in a skirt",
            "boy": "urchin, cub scout",
            "woman": "matron, hostess, seamstress, shepherdess",
            "man": "cowboy, plumber, captain, carpenter",
            "person": "commuter, shopper, foreigner",
            "kitten": "maine coon, furball, ragdoll cat",
            "dog": "rottweiler, whippet, doberman, schnauzer, doggo",
            "umbrella": "rain canopy, umbrella with stripes",
            "lamp": "beacon, lighting post, chandelier",
            "car": "buggy, hot rod, Ferrari, Volkswagen, motor vehicle",
            "tree": "baobab, magnolia, aspen, eucalyptus, mango tree",
            "fountain": "water spout, fountain of bronze",
            "bird": "osprey, albatross, cockatoo, puffin, macaw, pheasant",
            "balloon": "balloon on a string, latex balloon",
        }
    ),
    colours=in_lists(
        {
            "red": "cerise, cardinal red",
            "orange": "marmalade-coloured",
            "yellow": "sulphur yellow, banana yellow",
            "green": "khaki green, pistachio",
            "blue": "cerulean, aquamarine",
            "purple": "mulberry",
            "pink": "bubblegum pink",
            "white": "snowy",
            "black": "sable, sooty",
            "brown": "tawny, fawn",
            "grey": "gunmetal",
        }
    ),
    actions=in_lists(
        {
            "appear": "{s} manifests, whip up {s}, {s} crops up, deliver {s}, render {s}, rustle up {s}",
            "come": "{s} trudges up to {t}, {s} rockets toward {t}, {s} waltzes up to {t}, {s} nips over to {t}",
            "pass": "{s} thunders past, {s} whooshes by, {s} flashes past, {s} trundles by, {s} purrs past us",
            "crouch": "{s} hunches down, {s} nuzzles {t}, {s} snuggles up to {t}, {s} squashes down beside {t}",
            "leave": "{s} skedaddles, {s} clears off, {s} evaporates, {s} absconds, kick {s} out",
            "wander": "{s} mooches about, {s} roves, {s} traipses around, {s} mills about",
            "fly": "{s} zigzags in the sky, {s} rides the wind, {s} goes airborne, {s} is aloft",
            "stand": "{s} stiffens, {s} stays rooted to the spot, {s} desists, {s} goes rigid",
        }
    ),
    cameras=in_lists(
        {
            "static": "keep the lens where it is, immobilise the camera",
            "pan_left": "slew the lens to the left, crank the camera to the left",
            "pan_right": "slew the lens to the right, crank the camera to the right",
            "tilt_up": "crane the lens upward, cock the camera toward the heavens",
            "tilt_down": "crane the lens downward, cock the camera toward the earth",
            "push_in": "crawl nearer to {t} with the lens, truck in",
            "pull_back": "edge the lens back, truck out",
            "orbit": "do a lap around {t}, spiral around {t} with the lens",
        }
    ),
    perspectives=in_lists(
        {
            "third_person": "the lens tags along behind {t}, gaze at {t} from the rear",
            "first_person": "let me inhabit her, the protagonist's eyesight",
        }
    ),
    surroundings=in_lists(
        {
            "scene": "a {c} savanna, a {c} courtyard, {c} cliffs",
            "beside": "in front of a {c} curtain, beside a {c} statue, under a {c} awning, amid {c} reeds",
        }
    ),
)
