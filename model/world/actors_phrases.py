"""Ways to name who and what can move in a world, what they do, and where the camera goes.

As in model.world.phrases there are words to train on and words held out.
"""

from __future__ import annotations

from model.world.actors_wider_phrases import WIDER_EVENTS
from model.world.actors_words import EventWords, in_lists, merged

_COMMON_EVENTS = EventWords(
    nouns=in_lists(
        {
            "girl": (
                "girl, girl, girl, little girl, young girl, schoolgirl, child, kid, daughter, princess, teenage girl"
            ),
            "boy": "boy, boy, little boy, young boy, schoolboy, son, teenage boy, prince",
            "woman": (
                "woman, woman, lady, young woman, old woman, fashion model, female model, mother, grandmother, "
                "queen, actress, blonde"
            ),
            "man": (
                "man, man, gentleman, old man, young man, guy, father, grandfather, fisherman, postman, "
                "policeman, king, worker, waiter"
            ),
            "person": ("person, stranger, traveller, pedestrian, passer-by, human, hiker, tourist, neighbour, friend"),
            "kitten": (
                "kitten, kitten, cat, little cat, kitty, tabby, tabby cat, pussycat, tomcat, baby cat, pet cat, "
                "cute kitten"
            ),
            "dog": (
                "dog, dog, puppy, hound, terrier, labrador, sheepdog, poodle, little dog, watchdog, dachshund, husky"
            ),
            "umbrella": "umbrella, umbrella, parasol, sunshade, beach umbrella, garden umbrella, rain umbrella",
            "lamp": (
                "lamp, street lamp, lamppost, lantern, street light, lamp post, gas lamp, light on a pole, floor lamp"
            ),
            "car": (
                "car, car, taxi, automobile, van, cab, vehicle, sedan, sports car, old car, police car, truck, motorcar"
            ),
            "tree": (
                "tree, tree, oak, apple tree, maple, pine tree, poplar, cherry tree, fir, lemon tree, linden tree"
            ),
            "fountain": (
                "fountain, fountain, water fountain, stone fountain, marble fountain, drinking fountain, fountain "
                "with water"
            ),
            "bird": ("bird, bird, pigeon, sparrow, crow, robin, seagull, parrot, songbird, owl, duck, swallow, eagle"),
            "balloon": (
                "balloon, balloon, party balloon, toy balloon, birthday balloon, floating balloon, air balloon"
            ),
        }
    ),
    colours=in_lists(
        {
            "red": "red, red, red, crimson, scarlet, cherry red, bright red",
            "orange": "orange, ginger, rust-coloured",
            "yellow": "yellow, yellow, lemon yellow, mustard, canary yellow",
            "green": "green, green, olive, mint green, dark green",
            "blue": "blue, blue, navy, sky blue, dark blue, light blue, indigo",
            "purple": "purple, violet, lavender",
            "pink": "pink, pink, rose, magenta",
            "white": "white, white, snow-white, cream",
            "black": "black, black, jet black, dark",
            "brown": "brown, brown, chestnut, beige, chocolate",
            "grey": "grey, gray, grey",
        }
    ),
    actions=in_lists(
        {
            "appear": (
                "{s}, {s} appears, there is {s}, put {s} here, add {s}, {s} stands in front of us, I want to see "
                "{s}, show me {s}, give me {s}, place {s} on the ground, {s} comes into view, {s} is standing "
                "there, let there be {s}, make {s} appear, can we have {s}, spawn {s}, bring in {s}, {s} next to "
                "{t}, put {s} beside {t}, place {s} near {t}, {s} sits here, {s} looks at us, {s} is waiting "
                "here, I would like {s}, could there be {s}, {s} shows up, set {s} down here, create {s}, insert "
                "{s}, {s} in the middle, I see {s}, here is {s}, with {s}, draw {s}, {s} emerges, {s} arrives, "
                "{s} is here, {s} in front of {t}, {s} smiles at us, {s} barks, {s} makes a sound, {s} honks its "
                "horn, {s} honks at us, {s} mews, {s} chirps, {s} is parked here, look at {s}, {s} waves "
                "at us, {s} meows, {s} sings, {s} gathers here"
            ),
            "come": (
                "{s} runs to {t}, {s} runs toward {t}, {s} comes running to {t}, {s} walks up to {t}, {s} approaches "
                "{t}, {s} rushes toward {t}, {s} comes over, {s} comes closer, {s} hurries to {t}, {s} joins {t}, {s} "
                "jumps to {t}, {s} comes to {t}, {s} goes to {t}, {s} runs over to {t}, {s} comes running, {s} runs "
                "to us, {s} comes to me, {s} walks over to {t}, let {s} come to {t}, {s} races to {t}, {s} runs up to "
                "{t}, {s} follows {t}, {s} leaps toward {t}, {s} bounds toward {t}, {s} drives up to {t}, {s} comes "
                "up to me, {s} wants to be near {t}, {s} jumps onto {t}, {s} climbs onto {t}, {s} sits down next to "
                "{t}, {s} runs up, {s} comes up, {s} walks up, {s} comes back, {s} returns, {s} is coming, {s} comes "
                "to us, come here {s}, {s} chases {t}, {s} hurries over"
            ),
            "pass": (
                "{s} drives past, {s} passes by, {s} goes by, {s} walks past, {s} runs past {t}, {s} rolls by, "
                "{s} crosses the road, {s} rushes by, {s} passes in front of us, {s} flies past, {s} comes by, "
                "{s} drives by, {s} passes {t}, {s} moves past, {s} drives along the road, {s} runs by, {s} walks "
                "by, {s} crosses the street, {s} drives through, {s} goes past us, {s} races past, {s} flies by, "
                "{s} drifts past, {s} walks along, {s} passes us, {s} runs across, {s} drives down the "
                "street, {s} comes down the road, {s} goes down the street, {s} walks down the road, {s} drives along "
                "the street of houses"
            ),
            "crouch": (
                "{s} crouches down to pet {t}, {s} kneels down, {s} squats to stroke {t}, {s} bends down and pets "
                "{t}, {s} sits down, {s} strokes {t}, {s} pets {t}, {s} crouches beside {t}, {s} ducks, {s} "
                "crouches, {s} crouches down, {s} kneels beside {t}, {s} bends down to {t}, {s} squats down, {s} "
                "bends over to touch {t}, {s} kneels to pet {t}, {s} leans down to pat {t}, {s} pats {t}, {s} "
                "goes down on one knee, {s} lowers down to {t}, let {s} pet {t}, {s} crouches and strokes {t}, "
                "{s} reaches down to {t}, {s} lies down"
            ),
            "leave": (
                "{s} leaves, {s} goes away, {s} disappears, {s} runs away, remove {s}, {s} vanishes, take {s} "
                "away, {s} drives off, {s} flies away, delete {s}, get rid of {s}, {s} walks away, send {s} away, "
                "{s} drives away, {s} is gone, {s} walks off, {s} runs off, {s} should go away, let {s} leave, I "
                "do not want {s} any more, {s} fades away, {s} flies off, hide {s}, {s} floats away, chase {s} "
                "away, without {s}, {s} moves away"
            ),
            "wander": (
                "{s} wanders around, {s} walks about, {s} strolls around, {s} roams, {s} runs around, {s} plays in "
                "the grass, {s} explores, {s} runs in circles, {s} walks around, {s} plays, {s} wanders about, {s} "
                "runs back and forth, {s} goes for a walk, {s} walks here and there, {s} plays around, {s} dances "
                "around, {s} sniffs around, {s} moves about, {s} drives around, {s} chases its tail, {s} runs through "
                "the puddles, {s} splashes through puddles, {s} starts to dance, {s} dances, {s} walks through the "
                "grass, {s} runs through the streets"
            ),
            "fly": (
                "{s} flies around, {s} circles overhead, {s} takes off, {s} flies up, {s} soars, {s} floats in "
                "the air, {s} rises, {s} flies over us, {s} floats up, {s} flies through the air, {s} rises into "
                "the sky, {s} flies overhead, {s} flies high, {s} circles above us, {s} is flying, {s} floats "
                "above {t}, {s} drifts up"
            ),
            "stand": (
                "{s} stands up, {s} gets up, {s} stops, {s} stands still, {s} gets to her feet, {s} rises to his "
                "feet, {s} stays there, let {s} stand up, {s} stops moving, {s} stops running, {s} gets up again, "
                "{s} stays where it is, stop {s}, {s} stands up again, {s} rests, {s} holds still, {s} lands, {s} "
                "lands on the ground"
            ),
        }
    ),
    cameras=in_lists(
        {
            "static": (
                "hold the camera still, stop the camera, keep the camera steady, a static shot, do not move the "
                "camera, the camera rests, fix the camera, lock the camera, static camera, the camera stops, the "
                "camera stands still, leave the camera where it is, a still shot, stop moving the camera, a fixed "
                "camera"
            ),
            "pan_left": (
                "pan left, pan the camera to the left, the camera pans left, slowly pan to the left, sweep the "
                "camera left, swing the camera to the left, camera pan left, the camera turns to the left, a pan "
                "to the left, the view pans leftwards"
            ),
            "pan_right": (
                "pan right, pan the camera to the right, the camera pans right, slowly pan to the right, sweep "
                "the camera right, swing the camera to the right, camera pan right, the camera turns to the "
                "right, a pan to the right, the view pans rightwards"
            ),
            "tilt_up": (
                "tilt up, tilt the camera up, the camera tilts upward, slowly tilt up, camera tilt up, raise the "
                "camera angle, tilt upwards, the camera looks up, point the camera at the sky, a tilt up to the "
                "sky"
            ),
            "tilt_down": (
                "tilt down, tilt the camera down, the camera tilts downward, slowly tilt down, camera tilt down, "
                "lower the camera angle, tilt downwards, the camera looks down, point the camera at the ground, a "
                "tilt down to the ground"
            ),
            "push_in": (
                "push in, move the camera closer, zoom in, dolly in, the camera moves in, get closer to her, a "
                "close-up, bring the camera nearer, the camera pushes in, push the camera in, zoom in on {t}, a "
                "close-up of {t}, zoom closer, dolly in on {t}, the camera comes closer, move closer to {t}, a "
                "closer shot"
            ),
            "pull_back": (
                "pull back, pull the camera back, zoom out, the camera pulls back, a wide shot, the camera "
                "retreats, dolly out, move the camera back, move the camera away, show the whole scene, zoom out "
                "to a wide shot, camera farther away, pull the camera away from {t}, the camera moves back, back "
                "the camera away, a wider shot"
            ),
            "orbit": (
                "orbit around her, circle around {t}, the camera circles the scene, rotate around the character, "
                "an arc shot around him, go around her, orbit, the camera orbits {t}, circle the camera around "
                "{t}, the camera goes around {t}, move in a circle around {t}, fly around {t}, the camera slowly "
                "circles {t}, an orbit shot, rotate the camera around {t}, walk the camera around {t}"
            ),
        }
    ),
    perspectives=in_lists(
        {
            "third_person": (
                "third person, switch to third person, show her from behind, seen from behind, an "
                "over-the-shoulder view, a third-person view, let me see the character, follow {t} from behind, "
                "view from behind, I want to see myself, third person perspective, show the character from "
                "behind, third-person camera, over the shoulder, look at me from behind, play in third person, go "
                "to third-person view, the camera follows behind {t}, put the camera behind {t}"
            ),
            "first_person": (
                "first person, switch to first person, through her eyes, her point of view, see through the eyes "
                "of {t}, a first-person view, POV, first person perspective, through my own eyes, play in first "
                "person, first-person camera, back to first person, point of view shot, see it with my own eyes, "
                "go to first-person view, from her own eyes"
            ),
        }
    ),
    surroundings=in_lists(
        {
            "scene": (
                "a {c} meadow, a {c} field, {c} hills, a {c} sea, a {c} beach, a {c} city, a {c} street, a {c} "
                "forest, a {c} lake, a {c} park, a {c} garden, a {c} village, a {c} desert, {c} mountains, a {c} "
                "valley, a {c} river, a {c} alley, a {c} landscape, a {c} room, a {c} house, a {c} barn, a {c} wall, "
                "a {c} boat, a {c} fence"
            ),
            "beside": (
                "by a {c} house, under a {c} sky, in front of a {c} wall, beside a {c} fence, behind a {c} door, "
                "among {c} flowers, near a {c} building, on {c} sand, in the {c} grass, at the {c} sea, under {c} "
                "leaves, on a {c} bridge, next to a {c} bench, between {c} hedges, in {c} light, below {c} clouds, by "
                "the {c} gate, on a {c} carpet, under a {c} roof, past a {c} barn, with {c} mountains behind, over "
                "{c} roofs, on a {c} road, by {c} water, with a {c} ball, with a {c} ribbon, with a {c} collar, with "
                "a {c} bag, with a {c} scarf"
            ),
        }
    ),
)

TRAINING_EVENTS = merged(_COMMON_EVENTS, WIDER_EVENTS)

HELD_OUT_EVENTS = EventWords(
    nouns=in_lists(
        {
            "girl": "lass, toddler girl",
            "boy": "lad, toddler boy",
            "woman": "businesswoman, ballerina",
            "man": "businessman, fellow",
            "person": "wanderer, visitor",
            "kitten": "feline, calico cat",
            "dog": "pooch, beagle, doggy",
            "umbrella": "brolly, sun umbrella",
            "lamp": "streetlight, streetlamp",
            "car": "limousine, jeep, minivan",
            "tree": "willow, birch tree",
            "fountain": "garden fountain, ornamental fountain",
            "bird": "dove, blackbird, finch",
            "balloon": "helium balloon, rubber balloon",
        }
    ),
    colours=in_lists(
        {
            "red": "ruby, blood-red",
            "orange": "tangerine",
            "yellow": "golden",
            "green": "emerald",
            "blue": "cobalt, royal blue",
            "purple": "lilac, mauve",
            "pink": "rosy, salmon pink",
            "white": "ivory",
            "black": "ebony, pitch-black",
            "brown": "tan, hazel",
            "grey": "silver, ash grey",
        }
    ),
    actions=in_lists(
        {
            "appear": "conjure up {s}, {s} materialises, how about {s}, {s} pops up, we stumble upon {s}",
            "come": "{s} dashes over to {t}, {s} trots up to {t}, {s} scampers to {t}, {s} makes its way to {t}",
            "pass": "{s} speeds past, {s} zooms by, {s} strolls by, {s} whizzes past",
            "crouch": "{s} stoops to caress {t}, {s} hunkers down, {s} cuddles {t}, {s} gets down on her knees",
            "leave": "{s} departs, {s} scurries off, make {s} go, erase {s}",
            "wander": "{s} prowls about, {s} ambles around, {s} frolics",
            "fly": "{s} flutters about, {s} hovers above us, {s} glides through the air",
            "stand": "{s} straightens up, {s} halts, {s} comes to a standstill",
        }
    ),
    cameras=in_lists(
        {
            "static": "freeze the camera, a locked-off shot",
            "pan_left": "rotate the camera leftward",
            "pan_right": "rotate the camera rightward",
            "tilt_up": "angle the camera upward",
            "tilt_down": "angle the camera toward the floor",
            "push_in": "creep in on {t}, move in tighter",
            "pull_back": "widen the view, draw the camera away",
            "orbit": "revolve around {t}, swing around {t}",
        }
    ),
    perspectives=in_lists(
        {
            "third_person": "a chase cam, camera behind the hero",
            "first_person": "look out of her eyes, a subjective camera",
        }
    ),
    surroundings=in_lists(
        {
            "scene": "a {c} prairie, a {c} bay, {c} dunes, a {c} square",
            "beside": (
                "beside a {c} boat, under a {c} balcony, in front of a {c} church, on {c} cobblestones, by the {c} pond"
            ),
        }
    ),
)  # fmt: skip


EVERY_EVENT = merged(TRAINING_EVENTS, HELD_OUT_EVENTS)

# Creatures and things that no world here knows: whatever they do, nobody is asked for.
STRANGERS = (
    "fox", "horse", "snake", "rabbit", "deer", "bear", "lion", "tiger", "elephant", "cow", "sheep", "pig", "goat",
    "mouse",
    "frog", "fish", "shark", "whale", "dragon", "unicorn", "robot", "ghost", "monster", "dinosaur", "spider",
    "butterfly",
    "bee", "snail", "turtle", "monkey", "train", "bus", "ship", "boat", "bicycle", "motorbike", "plane", "helicopter",
    "rocket", "spaceship", "bench", "table", "chair", "house", "castle", "tower", "bridge", "statue", "tent", "ball",
    "flower", "snowman", "clown on stilts", "camel", "donkey", "squirrel", "hedgehog", "penguin", "crocodile", "zombie",
    "waterfall", "rainbow", "windmill", "piano", "sword", "mushroom",
)  # fmt: skip

# Sentences that ask for nobody and nothing of this kind: talk, controls, creatures and deeds that no world here knows.
NOTHING = (
    "she opens her mouth", "turn left", "turn right", "turn around", "look up", "look to the left", "walk forward",
    "go faster", "slow down", "stop here", "jump", "open the door", "pick up the book", "hello", "what is this",
    "a dragon flies over", "the robot lifts its arm", "put a table here", "a bell rings", "someone knocks",
    "the door opens", "they hug each other", "a ship appears", "nothing changes", "who are you", "continue",
    "go back", "tell me a story", "raise your arms", "a ball rolls by", "build a tower of blocks", "how are you",
    "what time is it", "thank you", "please wait", "a spaceship lands", "a train passes", "a horse gallops away",
    "add a chair", "place a bench here", "a fish swims by", "an elephant walks past", "a butterfly sits on the wall",
    "give me a sword", "count to ten", "the window breaks", "an apple falls from the table", "keep going", "run",
    "walk", "sing a song", "a robot appears", "a dinosaur roars", "there is a castle", "a mountain in the distance",
    "a river flows here", "more clouds", "bigger houses", "make it beautiful", "a house appears",
    "a bridge over the river", "the clock strikes twelve", "the music stops", "louder please", "I am bored",
    "do something", "what can I do here", "where am I", "go home", "this is nice", "I like it", "no", "yes",
    "wonderful", "add a boat", "a bicycle", "a table with food", "a cup of tea", "the flag waves", "leaves fall",
    "the wind blows", "thunder and lightning", "stars in the sky", "the ground shakes", "a cake", "a rocket launches",
    "a snail crawls", "a bear appears", "a lion roars", "a cow grazes", "sheep graze", "a spider on the wall",
    "a bus stops", "a plane flies over", "a helicopter", "a knight draws his sword", "the house burns", "faster",
    "a piano plays", "turn the music up", "strafe left", "step back", "sprint", "look down", "look behind you",
    "who lives in this house", "look left", "look right", "look up at the sky", "from above", "stop", "wait",
    "turn on the lights",
    "the lights go out", "the street lamps come on", "a power cut", "the wind picks up", "it is windy",
    "a cloudy day", "the sky turns red", "the leaves turn yellow", "the water turns green", "the house is painted blue",
    "everything turns grey", "make the colours more vivid", "lightning strikes a tree", "clouds drift over the trees",
    "tall trees line the street", "a row of old houses", "the shops close", "all the windows are dark", "waves roll in",
    "mountains rise in the distance", "flowers bloom everywhere", "leaves whirl through the air", "all is quiet",
    "everything is quiet", "everything is covered in dust", "both windows are open", "two hours later",
    "three days pass",
    "nobody is there", "the streets are empty", "slow motion", "make it slower", "give me more time",
    "paint the sky pink",
    "make the sky orange", "change the music", "make the house red", "give the place another colour",
)  # fmt: skip
