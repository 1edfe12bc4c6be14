"""Ways to say each value of each slot, and sentences that mention none.

Two vocabularies: `TRAINING` teaches the text encoder, `HELD_OUT` tests it with words
that never occur in training, near in meaning. Lists are parted by commas.
"""

from __future__ import annotations

from typing import NamedTuple


class Phrases(NamedTuple):
    """Ways to say one value, by their place in a sentence."""

    phrases: tuple[str, ...]  # place, style: noun phrases; lighting, weather: adverbials; mood: adjectives
    adjectives: tuple[str, ...] = ()  # before a place: "rainy"
    sentences: tuple[str, ...] = ()  # whole directives


def _say(phrases: str, adjectives: str = "", sentences: str = "") -> Phrases:
    return Phrases(
        *(tuple(p.strip() for p in part.split(",") if p.strip()) for part in (phrases, adjectives, sentences))
    )


TRAINING: dict[str, dict[str, Phrases]] = {
    "place": {
        "street": _say(
            "a street, a narrow street, a lane, a village street, a street of small houses, a cobbled road, an avenue,"
            "a residential road, a row of houses, a quiet neighbourhood road, a small town, streets,"
            " the streets of Paris,"
            "an old town, a road lined with houses, a sidewalk, a side street, a street corner"
        ),
        "forest": _say(
            "a forest, the woods, a pine forest, a woodland, a grove of trees, deep woods, a forest of tall trees,"
            " a birch wood,"
            "a path among trees, an old oak forest, a rainforest, a dense stand of firs, trees all around,"
            " a forest trail"
        ),
        "meadow": _say(
            "a meadow, a field of grass, grassland, a field of flowers, green hills, a pasture, an open field,"
            " rolling hills,"
            "the countryside, a grassy hillside, a flower meadow, farmland, a valley of green grass, a hayfield, a lawn"
        ),
        "desert": _say(
            "a desert, a sandy desert, a sandy wasteland, an arid plain, a land of cactus and sand, the Sahara,"
            " dry barren land,"
            "a sea of sand, a hot dry waste, endless sand, a rocky desert, a desert canyon, a parched land"
        ),
        "city": _say(
            "a city, downtown, a city of skyscrapers, a metropolis, a city centre, a district of high-rise buildings,"
            "towers of glass, a big city, a modern city, a busy city crossing, the heart of the city,"
            " a financial district,"
            "tall office buildings, New York, a city plaza"
        ),
        "shore": _say(
            "a shore, a beach, the coast, the edge of the sea, a sandy beach, a rocky shore, a bay, an ocean beach,"
            " the waterfront,"
            "a place by the sea, a tropical beach, a lake shore, the ocean's edge, an island beach, a beach with waves"
        ),
    },
    "style": {
        "paper": _say(
            "a paper cutout, cut paper, papercraft, a paper collage, folded paper, origami, construction paper,"
            "a paper diorama, flat paper shapes, a pop-up book, layered paper, a scene made of paper, paper art"
        ),
        "watercolour": _say(
            "a watercolour, a watercolor painting, watercolour, soft washes of paint, a watercolor sketch,"
            " pale washes of colour,"
            "wet paint bleeding on paper, a delicate watercolour illustration, diluted paint,"
            " a Ghibli watercolour background"
        ),
        "noir": _say(
            "film noir, noir, a noir film, a 1940s detective film, a monochrome film, greyscale, monochrome,"
            " hard shadows in grey,"
            "a colourless crime film, a grey thriller with hard shadows, a picture without colour, grayscale"
        ),
        "neon": _say(
            "neon, neon lights, glowing neon, synthwave, glowing neon signs, electric colours, fluorescent colours,"
            "a neon-lit science fiction film, glowing pink and cyan, ultraviolet glow, an 80s arcade game,"
            " bright laser colours,"
            "a futuristic glowing world, hi-tech science fiction lights"
        ),
        "swirl": _say(
            "swirling strokes, an oil painting with swirling strokes, thick swirling paint, whirling brush strokes,"
            "impressionist swirls, spiral strokes of oil paint, an impressionist painting, an oil painting,"
            "heavy oil paint in spirals, a swirling painting, swirls, a Monet painting"
        ),
        "vintage": _say(
            "a vintage photograph, an old photo, sepia, faded film, a retro film, an old postcard,"
            " a home movie from the sixties,"
            "an antique photograph, a vintage look, a photo from the 1920s, an old faded picture, aged film,"
            " a retro photograph,"
            "old-fashioned analog film"
        ),
    },
    "lighting": {
        "day": _say(
            "by day, in daylight, in the afternoon, in broad daylight, during the day, in the middle of the day,"
            " in full daylight,"
            "under the high sun, in bright daylight, around lunchtime",
            "daytime, daylit, sunlit",
            "it becomes day, make it daytime, day comes, let it be day, the sun stands high,"
            " bring back the daylight, turn it to day,"
            "it is bright day now, switch to the afternoon, full daylight please, it gets bright as day",
        ),
        "dusk": _say(
            "at sunset, in the evening, as the sun goes down, in the last light of day, in the evening glow,"
            " at the end of the day,"
            "as evening comes, in the setting sun, with the sun low in the west, in the half-light of evening",
            "evening, sunset",
            "the sun sets, evening comes, make it evening, the sun goes down, show me a sunset,"
            " the sun sinks below the horizon,"
            "let the sun set, it turns to evening, the day ends, the light fades into evening,"
            " it begins to get dark in the evening",
        ),
        "night": _say(
            "at night, in the dark, under the moon, under the stars, by moonlight, late at night, in darkness,"
            " in the dead of night,"
            "in the night, by the light of the moon",
            "nighttime, moonlit, dark, night",
            "night falls, make it night, it gets dark, the moon comes out, let it be night, turn day into night,"
            " darkness falls,"
            "the stars come out, it becomes night, switch to night, turn off the sun, the night begins, nightfall",
        ),
        "dawn": _say(
            "at dawn, at sunrise, in the early morning, as the sun rises, at first light, in the morning,"
            " in the first rays of sun,"
            "as morning breaks, early in the morning, as the day begins",
            "dawn, early morning, morning, sunrise",
            "the sun comes up, the sun rises, morning comes, make it dawn, dawn breaks, let the sun rise,"
            " it becomes morning,"
            "show me a sunrise, a new day begins, the night ends and the sun rises, the night is over,"
            " turn it to early morning",
        ),
    },
    "weather": {
        "clear": _say(
            "under a clear sky, under a cloudless sky, in clear weather, in fair weather, under a blue sky,"
            " on a clear day,"
            "without a cloud, in dry weather",
            "clear, cloudless, dry",
            "the rain stops, the sky clears, the snow stops, the fog lifts, the clouds part, make the weather clear,"
            " it stops raining,"
            "it stops snowing, no more rain, no more fog, no more snow, clear skies please, stop the rain,"
            " stop the snow,"
            "the weather gets better, the fog clears up, let the sky be blue, the fog disappears, remove the fog,"
            " it is dry again,"
            "the clouds go away, let the rain end, the snowfall ends",
        ),
        "rain": _say(
            "in the rain, in heavy rain, in pouring rain, on a rainy day, during a rainstorm, while it rains,"
            " in a thunderstorm,"
            "with rain falling, in a summer shower",
            "rainy, rain-soaked, wet, stormy",
            "it starts to rain, it rains, let it rain, make it rain, rain begins to fall, a storm breaks,"
            " it starts raining,"
            "it begins to pour, heavy rain sets in, start the rain, a thunderstorm comes up, raindrops fall,"
            " the rain comes back,"
            "rain please, add rain, I want rain, a rain shower passes over, the heavens open and water pours down",
        ),
        "snow": _say(
            "in the snow, with falling snow, in snowfall, covered in snow, in a snowstorm, while it snows,"
            " with snowflakes in the air,"
            "on a snowy winter day, under fresh snow",
            "snowy, snow-covered, icy, frozen winter",
            "it starts to snow, let it snow, it snows, make it snow, snow begins to fall, snowflakes fall,"
            " it starts snowing,"
            "a snowstorm begins, winter comes with snow, add snow, snow please, I want snow, start the snowfall,"
            " cover it all in snow,"
            "a heavy snowstorm sets in, freezing winter weather",
        ),
        "fog": _say(
            "in the fog, in thick fog, in dense fog, veiled in fog, on a foggy day, with fog drifting by, in a haze,"
            " in low cloud,"
            "wrapped in fog",
            "foggy, hazy, fog-bound, clouded-over",
            "the fog rolls in, fog comes up, make it foggy, let there be fog, a thick fog settles,"
            " fog covers everything, add fog,"
            "fog please, I want fog, it gets hazy, a haze settles over the land, everything disappears in fog,"
            " the air fills with fog,"
            "low clouds hide everything, hazy vapour hangs in the air",
        ),
    },
    "mood": {
        "calm": _say("calm, peaceful, quiet, tranquil, relaxing, restful, still, gentle, relaxed, silent,"
        "slow and easy"),
        "joyful": _say("joyful, cheerful, happy, merry, playful, lively, upbeat, bright and happy, fun,"
        "delightful, celebratory"),
        "melancholy": _say(
            "melancholy, sad, sorrowful, lonely, wistful, mournful, gloomy, melancholic, depressing, sad and slow,"
            " grieving, unhappy"
        ),
        "tense": _say(
            "tense, threatening, scary, ominous, suspenseful, dangerous, nervous, frightening, dark and threatening,"
            " dramatic,"
            "full of suspense, spooky, haunted"
        ),
    },
}  # fmt: skip

HELD_OUT: dict[str, dict[str, Phrases]] = {
    "place": {
        "street": _say("an alley, a boulevard, a backstreet, an alleyway"),
        "forest": _say("a jungle, a thicket, redwoods, a spruce wilderness"),
        "meadow": _say("a prairie, wildflowers, buttercups, a paddock"),
        "desert": _say("dunes, the badlands, the Gobi, the Mojave"),
        "city": _say("a megacity, Manhattan, Tokyo, an urban skyline"),
        "shore": _say("the seaside, a coastline, a cove, the seashore"),
    },
    "style": {
        "paper": _say("kirigami, cardboard cut-outs, a cardboard model"),
        "watercolour": _say("an aquarelle, aquarelle, gouache"),
        "noir": _say("black and white, a black and white movie, a hard-boiled gumshoe movie"),
        "neon": _say("cyberpunk, a cyberpunk game, Blade Runner, vaporwave"),
        "swirl": _say("a Van Gogh, a Van Gogh canvas, post-impressionism, curling brushwork"),
        "vintage": _say("a daguerreotype, a Polaroid, a nostalgic snapshot, a Kodak print"),
    },
    "lighting": {
        "day": _say("at noon, at high noon, at midday", "noonday", "it is noon, noon comes, make it midday"),
        "dusk": _say(
            "at dusk, in the twilight, in the gloaming, at sundown", "twilit",
            "dusk comes, twilight falls, make it dusk"
        ),
        "night": _say(
            "at midnight, in the witching hour, in the wee hours", "starlit, midnight, nocturnal",
            "make it midnight, the clock strikes midnight, a starlit gloom descends",
        ),
        "dawn": _say("at daybreak, at sunup, at the break of day", "daybreak",
        "day breaks, make it daybreak, sunup comes"),
    },
    "weather": {
        "clear": _say(
            "beneath an azure heaven, under azure skies", "unclouded",
            "the storm passes, the drizzle ceases, the mist burns off, it stops drizzling, the downpour is over",
        ),
        "rain": _say(
            "in a drizzle, in a downpour, in a cloudburst, in a deluge", "drizzly, rainswept",
            "it begins to drizzle, a downpour starts, a cloudburst drenches us",
        ),
        "snow": _say("in a blizzard, in flurries, in a whiteout blizzard", "wintry",
        "a blizzard begins, flurries come down"),
        "fog": _say("in the mist, in a thick mist", "misty, mist-shrouded",
        "mist rises, make it misty, a mist creeps in"),
    },
    "mood": {
        "calm": _say("serene, soothing, placid"),
        "joyful": _say("jolly, festive, exuberant, gleeful"),
        "melancholy": _say("heartbroken, forlorn, dejected, heavy-hearted"),
        "tense": _say("menacing, eerie, creepy, sinister"),
    },
}  # fmt: skip

# Subjects and events that no slot knows: whoever is in the scene, what they do, where the camera goes.
SUBJECTS = (
    "a girl with a red umbrella", "a boy on a bicycle", "an old man with a cane", "a kitten", "a stylish blonde woman",
    "two friends", "a knight", "a robot", "a white horse", "a fisherman", "a woman in a long coat", "a fox",
    "a postman",
    "a child with a balloon", "a traveller", "a dog", "an astronaut", "a dancer", "a cat on a wall", "an old car",
)  # fmt: skip
EVENTS = (
    "a kitten runs to the girl", "the girl crouches down to pet the kitten", "a dog barks", "the camera pulls back",
    "she opens her umbrella", "he waves his hand", "turn left", "turn around", "look up", "walk forward", "go faster",
    "slow down", "stop here", "jump", "a red car drives past", "the man sits down on a bench",
    "a bird lands on the fence",
    "open the door", "pick up the book", "two people start to dance", "a balloon floats away", "hello", "what is this",
    "zoom in on the house", "switch to third person", "follow the woman", "a child laughs", "the robot lifts its arm",
    "a dragon flies over", "the horse gallops away", "put a table here", "add a cat", "remove the car", "a bus stops",
    "the knight draws his sword", "a wide shot", "a close-up of her face", "the camera pans to the right", "keep going",
    "a bell rings", "someone knocks", "the door opens", "she picks up an apple", "he starts to run",
    "they hug each other",
    "a fox looks at us", "a boy throws a ball", "give her a hat", "her dress is blue", "a ship appears",
    "nothing changes",
    "the cat sleeps", "who are you", "continue", "go back", "tell me a story", "a clown juggles", "make the dog bigger",
    "the astronaut takes off the helmet", "an apple falls from the table", "a balloon bursts",
    "the postman brings a letter",
    "track the car", "tilt the camera down", "cut to the other side", "the old man reads a newspaper", "a train passes",
    "the boy climbs a ladder", "a butterfly sits on his hand", "she sings a song", "the lamp tips over",
    "raise your arms",
    "a ball rolls by", "let the horse drink", "the dancer spins", "a mouse hides under the box",
    "build a tower of blocks",
)  # fmt: skip
HELD_OUT_EVENTS = (
    "a puppy chases its tail", "an elephant walks past", "the woman ties her shoes", "dolly out slowly", "a drone shot",
    "the hero eats a sandwich", "a rabbit hops across", "a bicycle leans against the wall", "give me a sword",
    "an orchestra conductor bows", "someone paints the fence red", "place a chair next to her", "crouch", "sprint",
    "the wizard casts a spell", "a spaceship takes off", "the twins play chess", "a parrot talks", "step sideways",
    "her hair is curly", "the penguin slides on its belly", "show the back of the house", "count to ten",
    "a squirrel steals a nut", "the waiter drops a plate", "orbit around the statue",
)  # fmt: skip
