"""Ways to say each value of each slot, and sentences that mention none.

Two vocabularies: `HELD_OUT` tests what was learned from `TRAINING` with words that do not
occur there, near in meaning. `EVERYTHING` is both. Lists are parted by commas.
"""

from __future__ import annotations

from typing import NamedTuple

from model.world.endings import HELD_OUT_ENDINGS, TRAINING_ENDINGS, Endings, merged_endings


class Phrases(NamedTuple):
    """Ways to say one value, by their place in a sentence."""

    phrases: tuple[str, ...]  # place, style: noun phrases; lighting, weather: adverbials; mood: adjectives
    adjectives: tuple[str, ...] = ()  # before a place: "rainy"
    sentences: tuple[str, ...] = ()  # whole directives


Ways = dict[str, dict[str, Phrases]]  # by slot and value


class Vocabulary(NamedTuple):
    ways: Ways
    events: tuple[str, ...]  # sentences that no slot knows
    sunny: tuple[str, ...]  # say two slots at once: by day, and clear; `{}` is a place, if there is one
    endings: Endings


def _say(phrases: str, adjectives: str = "", sentences: str = "") -> Phrases:
    return Phrases(
        *(tuple(p.strip() for p in part.split(",") if p.strip()) for part in (phrases, adjectives, sentences))
    )


_TRAINING_WAYS: Ways = {
    "place": {
        "street": _say(
            "a street, a narrow street, a lane, a village street, a street of small houses, a cobbled road, "
            "an avenue, a residential road, a row of houses, a neighbourhood road, a small town, streets, "
            "the streets of Paris, an old town, a road lined with houses, a sidewalk, a side street, "
            "a street corner, a pedestrian street, a passage between houses, a mews, a cul-de-sac, a crossroads, "
            "terraced houses, townhouses, a high street, a driveway, a block of houses, a brownstone row, "
            "a market street, a bazaar lane, shopfronts, a village, a town square, a piazza, Main Street, "
            "a parade of shops, a footpath between walls, a courtyard, a dead-end road, "
            "a back road behind the shops, a tree-lined promenade, a gutter and a kerb, a slum, a Parisian road, "
            "Venice lanes, a pavement, a neighbourhood, suburbs, a garage row, tenements, bricks and doorsteps",
        ),
        "forest": _say(
            "a forest, the woods, a pine forest, a woodland, a grove of trees, deep woods, "
            "a forest of tall trees, a birch wood, a path among trees, an old oak forest, a rainforest, "
            "a dense stand of firs, trees all around, a forest trail, undergrowth, bushes, shrubs, a copse, "
            "brambles, a bamboo grove, maples, a sequoia stand, pines, conifers, a taiga, oaks, beeches, "
            "an enchanted wood, the Amazon, a mangrove, trunks and leaves, ferns and moss, wilderness of trees, "
            "the Bavarian woods, an orchard, foliage, evergreens, a tropical wood, a woodland clearing, cedars, "
            "a timberland, hemlocks and larches, a shrubbery, giant trees, Sherwood",
        ),
        "meadow": _say(
            "a meadow, a field of grass, grassland, a field of flowers, green hills, a pasture, an open field, "
            "rolling hills, the countryside, a grassy hillside, a flower meadow, farmland, "
            "a valley of green grass, a hayfield, a lawn, a savannah, a steppe, a heath, moorland, a park, "
            "a lea, daisies, poppies, tulips, clover, a wheat field, a cornfield, a farm, a ranch, "
            "a horse field, cows grazing, sheep grazing, a village green, a glade of grass, turf, the fields, "
            "an alpine pasture, the Shire, green land, grasses in the wind, hills, a garden, lavender fields, "
            "sunflowers, pampas, a barnyard, a plateau of grass, dandelions, bluebells",
        ),
        "desert": _say(
            "a desert, a sandy desert, a sandy wasteland, an arid plain, a land of cactus and sand, the Sahara, "
            "dry barren land, a sea of sand, a hot dry waste, endless sand, a rocky desert, a desert canyon, "
            "a parched land, Death Valley, Arizona, Nevada, the Kalahari, the Namib, Arabia, an oasis, "
            "salt flats, Joshua trees, tumbleweeds, a mesa, red rocks, a dust bowl, Egypt and its pyramids, "
            "a camel caravan, Mars, scorched earth, cracked dry ground, sandhills, drylands, an arid canyon, "
            "barren rock, the outback, a wasteland, the Atacama, sandstone cliffs, a sandstorm land, "
            "a wild west landscape, the Grand Canyon, desolate land, waves of sand, an eroded rocky waste",
        ),
        "city": _say(
            "a city, downtown, a city of skyscrapers, a metropolis, a city centre, "
            "a district of high-rise buildings, towers of glass, a big city, a modern city, "
            "a busy city crossing, the heart of the city, a financial district, tall office buildings, New York, "
            "a city plaza, London, Hong Kong, Shanghai, Berlin, Chicago, Los Angeles, Seoul, Singapore, "
            "a capital, a megalopolis, skyscrapers, office blocks, a subway exit, a traffic junction, towers, "
            "Times Square, a built-up area, a crowded town of millions, apartment towers, a conurbation, "
            "an inner city, a Japanese city, a future city, Gotham, Brooklyn, rooftops of a city, a city block, "
            "high-rises",
        ),
        "shore": _say(
            "a shore, a beach, the coast, the edge of the sea, a sandy beach, a rocky shore, a bay, "
            "an ocean beach, the waterfront, a place by the sea, a tropical beach, a lake shore, "
            "the ocean's edge, an island beach, a beach with waves, a harbour, a pier, a lagoon, a fjord, "
            "a cliff over the sea, an estuary, surf and sand, the ocean, the sea, a seafront, a marina, "
            "palm trees and waves, Hawaii, the Riviera, a bay with boats, a lighthouse, a jetty, an inlet, "
            "breakers, the tideline, tide pools, the Mediterranean coast, coastal rocks, a creek by the ocean, "
            "a resort beach, a shingle beach, the water's edge, a gulf, a sandbar, a dock, a coastal village, "
            "an islet",
        ),
    },
    "style": {
        "paper": _say(
            "a paper cutout, cut paper, papercraft, a paper collage, folded paper, origami, construction paper, "
            "a paper diorama, flat paper shapes, a pop-up book, layered paper, a scene made of paper, paper art, "
            "paper dolls, tissue paper, a scrapbook, cut-out shapes, crumpled paper, a shadow box of card, "
            "stencil cutting, scissors and glue crafts, handmade crafts, a pop-up card, paper cranes, carton, "
            "corrugated board, a paper theatre, a decoupage, quilling, silhouettes of card, snipped paper, "
            "stop-motion paper animation, flat craft shapes, stiff card figures, a child's craft work, "
            "Japanese paper craft, a cutout animation, the plain style, a plain look, "
            "the normal style, the normal look, the usual style, the usual look, the original style, "
            "the original look, the default look, a realistic look, photorealistic, a colour film",
            "",
            "make it look like a cartoon, turn it into a cartoon, as a cartoon, cartoon style, like a picture book, "
            "make it a picture book, in ordinary colours, "
            "back to normal, back to the normal style, back to the usual look, back to the original style, "
            "back to how it was at first, make it look normal again, make it look real, let it look ordinary again, "
            "the normal look again, normal colours again, reset the style, reset the look, take the filter off, "
            "without any style, in colour again, bring the colours back, show it in colour, in full colour, "
            "it should look normal, make it look as it did at first",
        ),
        "watercolour": _say(
            "a watercolour, a watercolor painting, watercolour, soft washes of paint, a watercolor sketch, "
            "pale washes of colour, wet paint bleeding on paper, a delicate watercolour illustration, "
            "diluted paint, a Ghibli watercolour background, a wash drawing, ink wash, tempera, "
            "wet brush on paper, blotted pigments, a painted illustration for children, a loose brush sketch, "
            "aqueous paint, a Turner sketch, pastel washes, pastels, a translucent painting, "
            "a French plein-air sketch, paint mixed with water, opaque water paint, poster paint, soft pigments, "
            "a delicate painting on paper, a sumi-e, an illustration by Beatrix Potter, "
            "a soft hand-painted picture, a Miyazaki background painting, fresco, a dreamy wash",
        ),
        "noir": _say(
            "film noir, noir, a noir film, a 1940s detective film, a monochrome film, greyscale, monochrome, "
            "hard shadows in grey, a colourless crime film, a grey thriller with hard shadows, "
            "a picture without colour, grayscale, a Humphrey Bogart film, a private eye movie, a gangster film, "
            "desaturated, no colour at all, shades of grey, a Hitchcock thriller, The Maltese Falcon, "
            "a silent picture, charcoal, a spy thriller of the forties, a colourless old movie, "
            "high-contrast grey, a murder mystery film, Casablanca, a shadowy crime story, a dark whodunit, "
            "an old monochromatic movie, a Sin City comic, stark shadows, achromatic, pulp crime",
        ),
        "neon": _say(
            "neon, neon lights, glowing neon, synthwave, glowing neon signs, electric colours, "
            "fluorescent colours, a neon-lit science fiction film, glowing pink and cyan, ultraviolet glow, "
            "an 80s arcade game, bright laser colours, a futuristic glowing world, "
            "hi-tech science fiction lights, Tron, Ghost in the Shell, The Matrix, a rave, a nightclub, a disco, "
            "retrowave, outrun, LED lights, holograms, a dystopian sci-fi future, glowing magenta, "
            "luminous tubes, a hacker movie, an android science fiction film, futuristic, laser light, "
            "blacklight paint, a synthwave album cover, glow sticks, an electronic dream, Las Vegas signs, "
            "a video game of the future, high-tech low-life, a robot dystopia, Akira, electro pop, chillwave, "
            "a pixel arcade, pixel art",
            "",
            "even more neon, more neon lights, lots of neon, neon everywhere, much more neon please, turn the neon on, "
            "switch the neon on, start the neon",
        ),
        "swirl": _say(
            "swirling strokes, an oil painting with swirling strokes, thick swirling paint, "
            "whirling brush strokes, impressionist swirls, spiral strokes of oil paint, "
            "an impressionist painting, an oil painting, heavy oil paint in spirals, a swirling painting, "
            "swirls, a Monet painting, expressionism, a Munch painting, a Cezanne, a Gauguin, a Renoir, "
            "a Picasso, thick impasto, wavy brush strokes, wavy lines of paint, a fine art canvas, "
            "a museum masterpiece, dabs of oil, acrylic whorls, spirals of paint, vortex strokes, "
            "curved strokes, palette knife, a Kandinsky, fauvism, a painter's masterpiece, twirling paint, "
            "circular strokes, Starry Night swirls, Vincent's sunflowers, a Matisse, pointillism, "
            "rolling strokes of oil, modern art, a Monet, a Munch",
        ),
        "vintage": _say(
            "a vintage photograph, an old photo, sepia, faded film, a retro film, an old postcard, "
            "a home movie from the sixties, an antique photograph, a vintage look, a photo from the 1920s, "
            "an old faded picture, aged film, a retro photograph, old-fashioned analog film, "
            "an instant camera picture, old film stock, a yellowed picture, Super 8, VHS, a grandparents' album, "
            "a family album photo, a tintype, a Victorian photograph, grainy film, a disposable camera shot, "
            "a slide from the seventies, an old-time picture, nostalgia, a darkroom picture, "
            "a brownish photo, a weathered picture, an archive photograph, the 1950s, the 1980s, "
            "a lomography shot, a retro postcard, early photography, scratched film, a keepsake photo, "
            "a Leica photo, an old negative, a Wes Anderson movie",
        ),
    },
    "lighting": {
        "day": _say(
            "by day, in daylight, in the afternoon, in broad daylight, during the day, in the middle of the day, "
            "in full daylight, under the high sun, in bright daylight, around lunchtime, at 12 o'clock, "
            "at lunch, at two in the afternoon, by the light of day, in the sun, with the sun overhead, "
            "in bright sunlight, in the forenoon, in the early afternoon, "
            "in the blazing sun, when the sun is highest, at eleven in the morning, beneath a high sun, "
            "at teatime",
            "daytime, daylit, sunlit, afternoon, bright, day, midsummer day",
            "it becomes day, make it daytime, day comes, let it be day, the sun stands high, "
            "bring back the daylight, turn it to day, it is bright day now, switch to the afternoon, "
            "full daylight please, it gets bright as day, the sun is high in the sky, "
            "bring daylight, more daylight, let there be daylight, it is afternoon, afternoon comes, "
            "change it to lunchtime, fast-forward to the afternoon, set the time to 12 o'clock, "
            "the sun is overhead, set it to two in the afternoon, it is lunchtime, make it bright, "
            "light it like the middle of the day, brighten the day, let there be light, it is too dark, not so dark, "
            "less dark please, make it less dark, I want more light, we need some light, make it lighter",
        ),
        "dusk": _say(
            "at sunset, in the evening, as the sun goes down, in the last light of day, in the evening glow, "
            "at the end of the day, as evening comes, in the setting sun, with the sun low in the west, "
            "in the half-light of evening, at eventide, in the golden hour, in the blue hour, "
            "in the late evening, in the early evening, at the close of day, as the light fades, "
            "as it begins to get dark, in fading light, after sunset, just after the sun has set, "
            "when the sun sets, in the evening light, as shadows lengthen, in an orange evening sky, "
            "between day and night, in the half-light, at six in the evening, at the setting of the sun, "
            "in the dim evening, as daylight wanes, in the crepuscular light",
            "evening, sunset, crepuscular, dimming, golden hour, half-lit, late evening",
            "the sun sets, evening comes, make it evening, the sun goes down, show me a sunset, the sun sinks below "
            "the horizon, let the sun set, it turns to evening, the day ends, the light fades into evening, it begins "
            "to get dark in the evening, the light fades, daylight fades, the sun is setting, the sun is going down, "
            "evening falls, the evening begins, sunset comes, make it sunset, show the sunset, eventide comes, "
            "half-light falls, the sky turns orange in the evening, the daylight wanes, the sun drops low, the sun "
            "slips away in the west, set the time to evening, the golden hour begins, make it the blue hour, shadows "
            "lengthen as the day ends, the sun is gone, the sun has gone down, the sun disappears, the sun vanishes "
            "behind the hills, the sun leaves us, it is getting late, it gets late",
        ),
        "night": _say(
            "at night, in the dark, under the moon, under the stars, by moonlight, late at night, in darkness, "
            "in the dead of night, in the night, by the light of the moon, after dark, at 12 at night, "
            "at one in the morning, at three in the morning, in the middle of the night, in the small hours, "
            "in the blackness of night, under a full moon, beneath the stars, overnight, on a moonless night, "
            "when everyone is asleep, at bedtime, in a night of stars, at eleven at night, under the Milky Way, "
            "on a starry night, under a starry sky, in a starry night, with stars above, during the night, "
            "in the pitch dark, long after sunset, in the ghostly hours of the night",
            "nighttime, moonlit, dark, night, moonless, nightly, pitch-dark, star-filled, night-time, lightless, unlit",
            "night falls, make it night, it gets dark, a starry night, a starry sky, "
            "a night full of stars, the moon comes out, let it be night, turn day into night, "
            "darkness falls, the stars come out, it becomes night, switch to night, turn off the sun, "
            "the night begins, nightfall, stars fill the sky, the moon shines, it is night, "
            "it is the middle of the night, set the time to 12 at night, the clock strikes twelve at night, "
            "it gets pitch dark, everything goes dark, make it dark, dark night descends, "
            "the lights go out and stars glow, a full moon rises, it is late at night, "
            "make it one in the morning, show the night sky, let the moon rise, the stars twinkle, "
            "the night comes down, switch to the middle of the night, it is very late and dark",
        ),
        "dawn": _say(
            "at dawn, at sunrise, in the early morning, as the sun rises, at first light, in the morning, "
            "in the first rays of sun, as morning breaks, early in the morning, as the day begins, at cockcrow, "
            "at six in the morning, when the rooster crows, at the first glow of morning, at the crack of dawn, "
            "when the sun comes up, at the rising of the sun, in the morning light, in early light, "
            "before breakfast, when the day begins, as the day is born, in the dewy morning, "
            "at the start of the day, in the morning sun, in the pink morning sky, with the sun just rising, "
            "in the glow of a new day",
            "dawn, early morning, morning, sunrise, auroral, dawning, rising-sun",
            "the sun comes up, the sun rises, morning comes, make it dawn, dawn breaks, let the sun rise, "
            "it becomes morning, show me a sunrise, a new day begins, the night ends and the sun rises, "
            "the night is over, turn it to early morning, morning breaks, a new morning begins, the day begins, "
            "the day dawns, the rooster crows, the first light appears, the first rays of sun appear, "
            "the morning sun appears, sunrise comes, make it sunrise, make it morning, "
            "set the time to six in the morning, the sky turns pink before sunrise, the new day starts, "
            "the dark gives way to the morning, the sun peeks over the horizon, the sun wakes up, "
            "the night ends, the moon goes down, the moon sets, the stars fade, "
            "the sun appears at the horizon, it dawns, the day is just beginning, light breaks in the east",
        ),
    },
    "weather": {
        "clear": _say(
            "under a clear sky, under a cloudless sky, in clear weather, in fair weather, under a blue sky, "
            "on a clear day, without a cloud, in dry weather, under blue skies, with no clouds, in good weather, "
            "in nice weather, in the bright clear air, under an open sky, on a cloudless day, "
            "with perfect visibility, after the rain, after the storm, in dry air, on a fine day",
            "clear, cloudless, dry, fine, fair, blue-skied, rainless, crisp and clear",
            "the rain stops, the sky clears, the snow stops, the fog lifts, the clouds part, "
            "make the weather clear, it stops raining, it stops snowing, no more rain, no more fog, "
            "no more snow, clear skies please, stop the rain, stop the snow, the weather gets better, "
            "the fog clears up, let the sky be blue, the fog disappears, remove the fog, it is dry again, "
            "the clouds go away, let the rain end, the snowfall ends, the storm is over, the storm ends, "
            "the shower is over, the clouds disappear, the sky turns blue, the clouds break up, the air clears, "
            "the haze burns off, the haze lifts, visibility returns, the snow melts away, the snow melts, "
            "the snow is melting away, the snow is slowly melting, the snow melts slowly, the snow begins to melt, "
            "the snow thaws, the ice melts, the ice is melting, the snow disappears, enough rain, enough snow, "
            "enough of this rain, enough of the fog, a thaw sets in, "
            "the snow is gone, get rid of the snow, the snowstorm passes, "
            "the bad weather ends, stop the storm, it stops pouring, it stops storming, the weather turns fine, "
            "the rain is over, the rain passes, the showers end, good weather please, dry up, turn the rain off, "
            "the wet weather ends, the shower ceases, the thunderstorm passes, the haze is gone, "
            "no clouds please, clear up, the fog vanishes, the fog burns away, the rain ceases, a clear sky, "
            "nice weather, blue sky, the sprinkle ends, clean dry air, don't let it rain, do not let it rain, "
            "don't let it snow, it should not rain, it should not snow, the rain lets up, the rain dies down, "
            "the rain eases off, the snow lets up, the fog thins out, a thunderstorm has passed",
        ),
        "rain": _say(
            "in the rain, in heavy rain, in pouring rain, on a rainy day, during a rainstorm, while it rains, "
            "in a thunderstorm, with rain falling, in a summer shower, in a torrent, in a monsoon, "
            "in torrential rain, in a light sprinkle, in showers, amid thunder and lightning, under rain clouds, "
            "in wet weather, with puddles everywhere, in a squall, under pelting rain, soaked by rain, "
            "in a tempest, in fine light rain, in a sudden heavy shower, with water pouring down, "
            "in a flood of rain, in a spring shower, in an April shower",
            "rainy, rain-soaked, wet, stormy, showery, soaking, drenched, thundery, pelting, sodden, dripping, "
            "soggy, damp and rainy",
            "it starts to rain, it rains, let it rain, make it rain, rain begins to fall, a storm breaks, "
            "it starts raining, it begins to pour, heavy rain sets in, start the rain, a thunderstorm comes up, "
            "raindrops fall, the rain comes back, rain please, add rain, I want rain, a rain shower passes over, "
            "the heavens open and water pours down, it sprinkles, a light rain begins, a fine light rain falls, "
            "a sudden heavy shower comes down, it pours, it is pouring, sheets of rain come down, "
            "it rains cats and dogs, a torrent comes down, the monsoon arrives, a squall hits, "
            "thunder and lightning, lightning strikes, get us wet, water falls from the clouds, "
            "drops begin to fall, the clouds burst, rain hammers the ground, rain drenches us, we get soaked, "
            "it spits with rain, a heavy shower drenches everything, the storm begins, torrential rain starts, "
            "a shower, puddles form, a rainy day please, wet weather, drops patter down",
        ),
        "snow": _say(
            "in the snow, with falling snow, in snowfall, covered in snow, in a snowstorm, while it snows, "
            "with snowflakes in the air, on a snowy winter day, under fresh snow, in sleet and snow, "
            "in a winter storm, in an ice storm, in powder snow, in deep snow, in a snow shower, "
            "in a snow squall, in freezing winter weather, in a white winter, with frost and snow, "
            "in drifting snow, amid white flakes, in an arctic storm, in a white christmas, in a polar storm, "
            "in the icy cold",
            "snowy, snow-covered, icy, frozen winter, winter, wintertime, frosty, frozen, snow-white, arctic, "
            "icy winter, snow-clad, christmassy, glacial",
            "it starts to snow, let it snow, it snows, make it snow, snow begins to fall, snowflakes fall, "
            "it starts snowing, a snowstorm begins, winter comes with snow, add snow, snow please, I want snow, "
            "start the snowfall, cover it all in snow, a heavy snowstorm sets in, freezing winter weather, "
            "white flakes fall, flakes fall, flakes come down, a winter storm begins, a polar storm begins, "
            "winter arrives, winter comes, make it winter, the ground turns white, "
            "white powder covers everything, frost and ice cover the land, a snow squall hits, "
            "an arctic storm howls, freeze everything, let it be winter, a white christmas please, "
            "the first snow of the year, snow drifts pile up, snow blankets the ground, "
            "an icy winter wind with snow, a white winter day",
        ),
        "fog": _say(
            "in the fog, in thick fog, in dense fog, veiled in fog, on a foggy day, with fog drifting by, "
            "in a haze, in low cloud, wrapped in fog, in vapour, in smog, in a cloud, in steam, in murk, "
            "behind a grey veil, in milky air, in a white haze, in poor visibility, with vapour over the ground, "
            "shrouded in vapour, in morning haze, in a smoky haze, in drifting vapour, in dim grey vapour",
            "foggy, hazy, fog-bound, smoggy, vaporous, murky, steamy, smoky, veiled, shrouded",
            "the fog rolls in, fog comes up, make it foggy, let there be fog, a thick fog settles, "
            "fog covers everything, add fog, fog please, I want fog, it gets hazy, a haze settles over the land, "
            "everything disappears in fog, the air fills with fog, low clouds hide everything, "
            "hazy vapour hangs in the air, vapour rises from the ground, a white veil hangs over everything, "
            "visibility drops, one can hardly see anything, a haze creeps in, smog fills the air, "
            "the air turns milky, a veil of vapour settles, the air gets thick and grey, smoke drifts in, "
            "everything gets blurry and grey, a thick haze rolls in, steam fills the air, the murk thickens, "
            "a cloud comes down on us, hide everything behind haze, it gets murky, damp vapour drifts across, "
            "ghostly vapour rises, a blanket of cloud covers the ground",
        ),
    },
    "mood": {
        "calm": _say(
            "calm, peaceful, quiet, tranquil, relaxing, restful, still, gentle, relaxed, silent, slow and easy, "
            "mellow, comforting, meditative, unhurried, at ease, laid-back, dreamy, hushed, easygoing, "
            "harmonious, soft, cosy, contemplative, sleepy, idyllic, untroubled, lullaby-like, zen, composed, "
            "chilled, pacifying, quietly content",
        ),
        "joyful": _say(
            "joyful, cheerful, happy, merry, playful, lively, upbeat, bright and happy, fun, delightful, "
            "celebratory, blissful, carefree, jubilant, elated, sunny and happy, ecstatic, glad, cheery, "
            "celebrating, party-like, bouncy, thrilled, hopeful, jovial, euphoric, funny, exhilarated, "
            "in high spirits, laughing, triumphant, bubbly, energetic, excited",
        ),
        "melancholy": _say(
            "melancholy, sad, sorrowful, lonely, wistful, mournful, gloomy, melancholic, depressing, "
            "sad and slow, grieving, unhappy, bittersweet, sombre, grief-stricken, tearful, downcast, miserable, "
            "longing and sad, despairing, blue and sad, regretful, bleak, desolate, broken-hearted, crying, "
            "sad and lonely, hopeless, in mourning, weepy, despondent, abandoned, full of sorrow",
        ),
        "tense": _say(
            "tense, threatening, scary, ominous, suspenseful, dangerous, nervous, frightening, "
            "dark and threatening, dramatic, full of suspense, spooky, haunted, terrifying, unsettling, "
            "alarming, foreboding, uneasy, anxious, horror-like, hair-raising, nerve-racking, dreadful, "
            "chilling, evil, hostile, gripping, uncanny, disturbing, fearful, panicky, stressful, wicked, "
            "dark and evil, nightmarish, malevolent, weird and scary",
        ),
    },
}

_HELD_OUT_WAYS: Ways = {
    "place": {
        "street": _say(
            "an alley, a boulevard, a backstreet, an alleyway",
        ),
        "forest": _say(
            "a jungle, a thicket, redwoods, a spruce wilderness",
        ),
        "meadow": _say(
            "a prairie, wildflowers, buttercups, a paddock",
        ),
        "desert": _say(
            "dunes, the badlands, the Gobi, the Mojave",
        ),
        "city": _say(
            "a megacity, Manhattan, Tokyo, an urban skyline",
        ),
        "shore": _say(
            "the seaside, a coastline, a cove, the seashore",
        ),
    },
    "style": {
        "paper": _say(
            "kirigami, cardboard cut-outs, a cardboard diorama, a flannelgraph",
            "",
            "return to the standard style, revert the look, restore the factory colours",
        ),
        "watercolour": _say(
            "an aquarelle, aquarelle, gouache",
        ),
        "noir": _say(
            "black and white, a black and white movie, a hard-boiled gumshoe movie",
        ),
        "neon": _say(
            "cyberpunk, a cyberpunk game, Blade Runner, vaporwave",
        ),
        "swirl": _say(
            "a Van Gogh, a Van Gogh canvas, post-impressionism, curling brushwork",
        ),
        "vintage": _say(
            "a daguerreotype, a Polaroid, a nostalgic snapshot, a Kodak print",
        ),
    },
    "lighting": {
        "day": _say(
            "at noon, at high noon, at midday",
            "noonday",
            "it is noon, noon comes, make it midday",
        ),
        "dusk": _say(
            "at dusk, in the twilight, in the gloaming, at sundown",
            "twilit",
            "dusk comes, twilight falls, make it dusk",
        ),
        "night": _say(
            "at midnight, in the witching hour, in the wee hours",
            "starlit, midnight, nocturnal",
            "make it midnight, the clock strikes midnight, a starlit gloom descends",
        ),
        "dawn": _say(
            "at daybreak, at sunup",
            "daybreak",
            "make it daybreak, sunup comes",
        ),
    },
    "weather": {
        "clear": _say(
            "beneath an azure heaven, under azure skies",
            "unclouded",
            "the drizzle ceases, the mist burns off, it stops drizzling, the downpour is over",
        ),
        "rain": _say(
            "in a drizzle, in a downpour, in a cloudburst, in a deluge",
            "drizzly, rainswept",
            "it begins to drizzle, a downpour starts, a cloudburst drenches us",
        ),
        "snow": _say(
            "in a blizzard, in flurries, in a whiteout blizzard",
            "wintry",
            "a blizzard begins, flurries come down",
        ),
        "fog": _say(
            "in the mist, in a thick mist",
            "misty, mist-shrouded",
            "mist rises, make it misty, a mist creeps in",
        ),
    },
    "mood": {
        "calm": _say(
            "serene, soothing, placid",
        ),
        "joyful": _say(
            "jolly, festive, exuberant, gleeful",
        ),
        "melancholy": _say(
            "heartbroken, forlorn, dejected, dispirited",
        ),
        "tense": _say(
            "menacing, eerie, creepy, sinister",
        ),
    },
}

# Subjects and events that no slot knows: whoever is in the scene, what they do, where the camera goes.
SUBJECTS = (
    "a girl with a red umbrella", "a boy on a bicycle", "an old man with a cane", "a kitten", "a stylish blonde woman",
    "a fashion model",
    "a female model with a handbag",
    "two friends", "a knight", "a robot", "a white horse", "a fisherman", "a woman in a long coat", "a fox",
    "a postman",
    "a child with a balloon", "a traveller", "a dog", "an astronaut", "a dancer", "a cat on a wall", "an old car",
)  # fmt: skip
_EVENTS = (
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
    "build a tower of blocks", "a real dog runs past", "nothing special happens", "nothing happens",
    "she stops painting",
    "a man reads a picture book", "a cartoon dog", "he paints the fence", "a painter stands there",
    "she takes an old photo out of her bag", "an ordinary man walks by", "a usual day", "a real person",
    "the original idea", "he looks normal", "a normal cat", "a paper bag lies there", "a photographer takes a picture",
    "a snowman", "a snowman waves", "a rain hat", "someone in a raincoat", "a film crew walks by", "stop painting",
    "the boy stops", "no more dogs", "no more cars", "enough of this", "turn the lamp off", "switch off the lamp",
    "clouds cover the sun", "the sky clouds over", "the sun disappears behind the clouds", "it is a cloudy day",
    "overcast",
    "an overcast sky", "grey clouds", "it is no longer sunny", "it is windy now", "the wind picks up", "a windy day",
    "the kitten goes to sleep", "the dog falls asleep", "a Christmas tree", "freeze", "make the colours more vivid",
    "more contrast", "I can't see anything", "turn on the lights", "the lights go out", "the street lamps come on",
    "all the lights go out", "a power cut", "the rain gets lighter",
    "the dog shakes off the water", "leave her body", "slow motion", "a rainbow appears", "hold on",
    "stop the car", "remove the tree", "the dog is gone", "she is gone", "everyone is gone",
)  # fmt: skip
_HELD_OUT_EVENTS = (
    "a puppy chases its tail", "an elephant walks past", "the woman ties her shoes", "dolly out slowly", "a drone shot",
    "the hero eats a sandwich", "a rabbit hops across", "a bicycle leans against the wall", "give me a sword",
    "an orchestra conductor bows", "someone paints the fence red", "place a chair next to her", "crouch", "sprint",
    "the wizard casts a spell", "a spaceship takes off", "the twins play chess", "a parrot talks", "step sideways",
    "her hair is curly", "the penguin slides on its belly", "show the back of the house", "count to ten",
    "a squirrel steals a nut", "the waiter drops a plate", "orbit around the statue",
)  # fmt: skip


_SUNNY = (
    "sunny", "sunshine", "make it sunny", "make it sunny again", "let it be sunny", "it gets sunny", "it is sunny",
    "the sun comes out", "the sun comes out again", "the sun breaks through", "the sun breaks through the clouds",
    "let the sun shine", "the sun shines", "the sun shines brightly", "the sun is shining", "sun please",
    "sunshine please", "sunny weather", "sunny weather please", "bright sunshine", "warm sunshine", "a sunny day",
    "it is a sunny day", "a bright sunny day", "a beautiful sunny day", "bring back the sun", "give us sunshine",
    "the rain stops and the sun comes out", "the clouds part and the sun shines", "the fog lifts and the sun comes out",
    "the snow melts and the sun shines", "blue skies and sunshine", "a sunny summer day",
    "{} on a sunny day", "{} on a sunny afternoon", "{} in the sunshine", "{} in bright sunshine",
    "{} under a shining sun", "{} in sunny weather", "a sunny day in {}", "sunshine over {}", "{}, sunny",
    "{}, in the sunshine", "{} on a sunny summer day", "a sunny afternoon in {}",
)  # fmt: skip

_HELD_OUT_SUNNY = (
    "the sun bursts forth", "glorious sunshine", "a sun-kissed day", "{} bathed in sunshine",
    "a sun-kissed afternoon in {}",
)  # fmt: skip


def _merged(first: Ways, second: Ways) -> Ways:
    return {
        slot: {
            value: Phrases(
                *(mine + theirs for mine, theirs in zip(first[slot][value], second[slot][value], strict=True))
            )
            for value in first[slot]
        }
        for slot in first
    }


TRAINING = Vocabulary(_TRAINING_WAYS, _EVENTS, _SUNNY, TRAINING_ENDINGS)
HELD_OUT = Vocabulary(_HELD_OUT_WAYS, _HELD_OUT_EVENTS, _HELD_OUT_SUNNY, HELD_OUT_ENDINGS)
EVERYTHING = Vocabulary(
    _merged(_TRAINING_WAYS, _HELD_OUT_WAYS),
    _EVENTS + _HELD_OUT_EVENTS,
    _SUNNY + _HELD_OUT_SUNNY,
    merged_endings(TRAINING_ENDINGS, HELD_OUT_ENDINGS),
)
