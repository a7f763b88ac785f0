"""What the message says: constraints, wishes, titles, people, intent and count, and what the conversation still holds."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chatbot.records import turn_record
from chatbot.types import MAX_MESSAGE, Conversation, Recommendation, Request, StoredTurn, Turn
from chatbot.understanding import MAX_COUNT, Understanding, check_message, detect_language
from retrieval.domain import PEOPLE
from retrieval.errors import MessageError

NOBODY = Conversation("c", "ann")
CHINESE = "?countries:China|Hong Kong|Taiwan"
EUROPEAN = "?countries:United Kingdom|France|Germany|Italy|Spain|Sweden|Denmark|Norway|Poland|Ireland"
NINETIES = "year>=1990 year<=1999"

# -field:value denied, +field:value demanded, ?field:a|b any of them, field>=n and field<=n bounds, ~field:value wished (soft),
# like / dislike / seen / named: items, count: unless 3, intent: unless recommend, chat: which small talk.
ENGLISH = {
    "I loved Interstellar and Arrival; something quieter and thoughtful, no horror": (
        "-genres:horror ~moods:quiet ~moods:thoughtful like:interstellar-2014 like:arrival-2016"
    ),
    "no horror, musicals or westerns": "-genres:horror -genres:musical -genres:western",
    "no horror, no musicals": "-genres:horror -genres:musical",
    "A comedy without any violence": "+genres:comedy -moods:violent",
    "less violent thrillers please": "+genres:thriller -moods:violent",
    "thrillers that aren't too violent": "+genres:thriller -moods:violent",
    "nothing scary, it's for my kids": "-genres:horror -moods:scary age<=6",
    "something not too long": "runtime<=105",
    "no long films": "runtime<=105",
    "I don't mind subtitles": "",
    "I don't mind violence": "",
    "a film by Zhang Yimou": "+people:Zhang_Yimou",
    "directed by Hayao Miyazaki": "+people:Hayao_Miyazaki",
    "anything with Tom Hanks?": "+people:Tom_Hanks",
    "films without Tom Hanks": "-people:Tom_Hanks",
    "a war film without Tom Hanks": "+genres:war -people:Tom_Hanks",
    "I like Wong Kar-wai": "+people:Wong_Kar-wai",
    "not a Wong Kar-wai film": "-people:Wong_Kar-wai",
    "Have you got anything by 王家卫?": "+people:Wong_Kar-wai",
    "Korean thrillers from the 2000s": "+countries:South_Korea +genres:thriller year>=2000 year<=2009",
    "a Japanese animation from the 1980s, under 100 minutes": (
        "+countries:Japan +genres:animation year>=1980 year<=1989 runtime<=100"
    ),
    "Chinese films from the nineties": f"{CHINESE} {NINETIES}",
    "a European drama": f"{EUROPEAN} +genres:drama",
    "something in Cantonese": "+languages:Cantonese",
    "a French comedy, not too silly": "+countries:France +genres:comedy",
    "old movies": "year<=1980",
    "recent science fiction": "year>=2015 +genres:science-fiction",
    "sci-fi under two hours": "+genres:science-fiction runtime<=120",
    "I hated The Shining": "dislike:the-shining-1980 intent:react",
    "I've already seen Parasite": "seen:parasite-2019 intent:react",
    "Something like Amélie": "like:amelie-2001",
    "something like amelie": "like:amelie-2001",
    "something like Spirited Away but darker": "like:spirited-away-2001 ~moods:dark",
    "nothing like Interstellar": "named:interstellar-2014",
    "I liked Heat but I didn't like The Godfather": "like:heat-1995 dislike:the-godfather-1972 intent:react",
    "I've seen Moon and Gravity, what else is there in space?": "seen:moon-2009 seen:gravity-2013",
    "Give me five comedies": "+genres:comedy count:5",
    "recommend 2 documentaries": "+genres:documentary count:2",
    "just one film for tonight": "count:1",
    "ten Hong Kong action movies": "+countries:Hong_Kong +genres:action count:10",
    "two hours of fun": "~moods:light",
    "12 Angry Men was brilliant, something like that": "like:12-angry-men-1957",
    "2001: A Space Odyssey is my favourite film": "like:2001-a-space-odyssey-1968 intent:react",
    "I'm sad tonight, cheer me up": "~moods:uplifting",
    "I feel lonely": "",
    "romantic but not sad": "+genres:romance ~moods:romantic -moods:sad",
    "a love story with a happy ending": "+genres:romance",
    "anything but horror": "-genres:horror",
    "I'm tired of superhero films": "-themes:superhero",
    "not in English": "-languages:English",
    "a silent film": "+languages:Silent",
    "no black and white, nothing before 1970": "year>=1970",
    "Italian, between 1960 and 1975": "+countries:Italy year>=1960 year<=1975",
    "a family friendly adventure with animals": "age<=6 +genres:adventure",
    "a documentary about music": "+genres:documentary +genres:music",
    "hello, a quiet Japanese film please": "+countries:Japan ~moods:quiet",
    "something with a twist, but no gore": "-moods:disturbing",
    "more like The Lunchbox": "like:the-lunchbox-2013",
    "movies like before sunrise": "like:before-sunrise-1995",
    "comedy or romance": "?genres:comedy|romance",
    "a crime drama": "+genres:crime +genres:drama",
    "a dark comedy": "~moods:dark +genres:comedy",
    "something light and funny for a date": "~moods:light ~moods:funny",
    "I want to cry": "~moods:heartbreaking",
    "don't make me cry": "-moods:heartbreaking",
    "A film that isn't depressing": "-moods:bleak",
    "thrillers that are not American": "+genres:thriller -countries:United_States",
    "sci-fi without aliens": "+genres:science-fiction -themes:aliens",
    "I hate musicals": "-genres:musical",
    "can't stand romance": "-genres:romance",
    "something short": "runtime<=105",
    "at least 150 minutes long, epic": "runtime>=150 ~moods:epic",
    "I've never seen a Bollywood film, where should I start?": "+countries:India",
    "why not a western?": "+genres:western",
    "I'm not sure, maybe a comedy": "+genres:comedy",
    "I can't wait to see a good thriller": "+genres:thriller",
    "a horror film that's not too scary": "+genres:horror -moods:scary",
    "I loved her": "",
    "I loved Her": "like:her-2013 intent:react",
    "interstellar was great": "like:interstellar-2014 intent:react",
    "loved the godfather": "like:the-godfather-1972 intent:react",
    "i liked spirited away and my neighbor totoro": "like:spirited-away-2001 like:my-neighbor-totoro-1988 intent:react",
    "SOMETHING LIKE INTERSTELLAR": "like:interstellar-2014",
    "a movie about time travel": "~themes:time_travel",
    "《霸王别姬》 was beautiful, more like it": "like:farewell-my-concubine-1993",
    "Who directed Parasite?": "intent:ask_item named:parasite-2019",
    "How long is Seven Samurai?": "intent:ask_item named:seven-samurai-1954",
    "What is Burning about?": "intent:ask_item named:burning-2018",
    "Is Stalker slow?": "intent:ask_item named:stalker-1979",
    "Is Coco suitable for children?": "intent:ask_item named:coco-2017",
    "hi": "chat:greeting",
    "Hello there!": "chat:greeting",
    "thanks!": "chat:thanks",
    "Thank you so much": "chat:thanks",
    "goodbye": "chat:bye",
    "what can you do?": "chat:help",
    "Thanks, something funny now": "~moods:funny",
    "🙂": "",
    "films that take place in one night, nothing supernatural": "",
    "my girlfriend hates subtitles so please only films in English": "+languages:English",
    "a gentle film about grief, not depressing": "~moods:quiet ~themes:grief -moods:bleak",
    "give me something by Kurosawa other than Seven Samurai": "+people:Akira_Kurosawa named:seven-samurai-1954",
    "not another superhero movie please": "-themes:superhero",
    "Hollywood classics from before 1960": "+countries:United_States year<=1959",
    "Anything good from Iran or Turkey?": "+countries:Iran",
    "a man alone on the far side of the Moon": "",
}
CHINESE_MESSAGES = {
    "很喜欢《星际穿越》和《降临》，想看安静一点、有思考的，不要恐怖片": (
        "-genres:horror ~moods:quiet ~moods:thoughtful like:interstellar-2014 like:arrival-2016"
    ),
    "不要恐怖片、歌舞片和西部片": "-genres:horror -genres:musical -genres:western",
    "不要太血腥的犯罪片": "+genres:crime -moods:violent -moods:disturbing",
    "推荐几部喜剧": "+genres:comedy",
    "五部科幻片": "+genres:science-fiction count:5",
    "来两部香港的动作片": "+countries:Hong_Kong +genres:action count:2",
    "一部就行": "count:1",
    "推荐10部文艺片": "+genres:drama count:10",
    "张艺谋导演的": "+people:Zhang_Yimou",
    "宫崎骏的动画": "+people:Hayao_Miyazaki +genres:animation",
    "不要王家卫的": "-people:Wong_Kar-wai",
    "有没有周星驰演的喜剧": "+people:Stephen_Chow +genres:comedy",
    "汤姆·汉克斯主演的": "+people:Tom_Hanks",
    "除了成龙，别的动作片": "-people:Jackie_Chan +genres:action",
    "讨厌恐怖片": "-genres:horror",
    "我不喜欢《闪灵》": "dislike:the-shining-1980 intent:react",
    "看过《寄生虫》了": "seen:parasite-2019 intent:react",
    "寄生虫看过了": "seen:parasite-2019 intent:react",
    "类似《重庆森林》的": "like:chungking-express-1994",
    "像《千与千寻》一样的动画": "like:spirited-away-2001 +genres:animation",
    "我喜欢降临和活着": "like:arrival-2016 like:to-live-1994 intent:react",
    "喜欢《让子弹飞》，不喜欢《英雄》": "like:let-the-bullets-fly-2010 dislike:hero-2002 intent:react",
    "我想看《活着》那样的": "like:to-live-1994",
    "90年代的港片": f"+countries:Hong_Kong {NINETIES}",
    "八十年代的日本动画": "+countries:Japan +genres:animation year>=1980 year<=1989",
    "2010年以后的韩国犯罪片": "year>=2010 +countries:South_Korea +genres:crime",
    "不要2000年以前的": "year>=2000",
    "不要2000年以后的": "year<=1999",
    "两小时以内的喜剧": "runtime<=120 +genres:comedy",
    "一个半小时以内": "runtime<=90",
    "不要太长": "runtime<=105",
    "三个小时以上的史诗片": "runtime>=180 ~moods:epic",
    "华语老电影": f"{CHINESE} year<=1980",
    "国产科幻": "+countries:China +genres:science-fiction",
    "不看国产片": "-countries:China",
    "台湾的青春片": "+countries:Taiwan",
    "粤语片": "+languages:Cantonese",
    "默片": "+languages:Silent",
    "和孩子一起看的": "age<=6",
    "适合全家看的动画片": "age<=6 +genres:animation",
    "治愈一点的": "~moods:warm",
    "烧脑的悬疑片": "~moods:thoughtful +genres:mystery",
    "今天心情很低落，想看点温暖的": "~moods:warm",
    "我最近很难过，来点轻松的": "~moods:light",
    "工作压力很大，想放松一下": "",
    "想哭": "~moods:heartbreaking",
    "别太压抑": "-moods:bleak",
    "不要悲剧": "-moods:tragic",
    "不太吓人的恐怖片": "+genres:horror -moods:scary",
    "不介意字幕": "",
    "欧洲文艺片": f"{EUROPEAN} +genres:drama",
    "法国爱情片": "+countries:France +genres:romance",
    "不是美国的科幻片": "-countries:United_States +genres:science-fiction",
    "不含暴力的动作片": "+genres:action -moods:violent",
    "没有血腥镜头的恐怖片": "+genres:horror -moods:violent -moods:disturbing",
    "不恐怖的悬疑片": "+genres:mystery -genres:horror",
    "不要鬼片": "-genres:horror",
    "武侠片，但不要歌舞": "+genres:martial-arts -genres:musical",
    "适合约会看的浪漫喜剧": "+genres:romance ~moods:romantic +genres:comedy",
    "没看过印度电影，推荐几部": "+countries:India",
    "不错，再来点搞笑的": "~moods:funny",
    "我想看关于时间旅行的电影": "~themes:time_travel",
    "喜剧或者爱情片都行": "?genres:comedy|romance",
    "有点黑暗的童话": "~moods:dark",
    "看腻了超级英雄": "-themes:superhero",
    "谁导演的《寄生虫》？": "intent:ask_item named:parasite-2019",
    "《七武士》多长？": "intent:ask_item named:seven-samurai-1954",
    "《燃烧》讲什么的": "intent:ask_item named:burning-2018",
    "《釜山行》吓人吗？": "intent:ask_item named:train-to-busan-2016",
    "你好": "chat:greeting",
    "你好！": "chat:greeting",
    "谢谢": "chat:thanks",
    "谢谢你": "chat:thanks",
    "再见": "chat:bye",
    "你能做什么？": "chat:help",
    "你好，推荐几部安静的日本电影": "+countries:Japan ~moods:quiet",
    "想看 sci-fi 片": "+genres:science-fiction",
    "推荐 Christopher Nolan 的片子": "+people:Christopher_Nolan",
    "有没有像 Spirited Away 那样的片子": "like:spirited-away-2001",
    "想看节奏慢的、诗意的片子": "~moods:slow ~moods:dreamlike",
    "别给我推荐好莱坞大片了，想看点小众的": "-countries:United_States",
    "我想看不那么压抑的战争片": "+genres:war -moods:bleak",
    "有没有《教父》之外的黑帮片": "+genres:crime named:the-godfather-1972",
    "最近几年的国产喜剧": "year>=2015 +countries:China +genres:comedy",
    "陪孩子看的，不要太吵太长": "age<=6 runtime<=105",
    "刚看完《飞屋环游记》，还有这样温馨的吗": "seen:up-2009 ~moods:warm",
    "无所谓类型，好看就行": "",
    "经典黑帮片，节奏快一点": "+genres:crime ~moods:energetic",
    "科幻片吧，动画就免了": "+genres:science-fiction -genres:animation",
    "韩国的不要，印度的也不要，就要日本的": "-countries:South_Korea -countries:India +countries:Japan",
    "动作片看腻了，换个口味": "-genres:action",
    "歌舞片除外的音乐片": "-genres:musical +genres:music",
    "除王家卫以外的香港爱情片": "-people:Wong_Kar-wai +countries:Hong_Kong +genres:romance",
    "以前常看香港片，现在腻了，想看台湾片": "-countries:Hong_Kong +countries:Taiwan",
    "想看悬疑，爱情元素少一点": "+genres:mystery -genres:romance",
    "我不是不喜欢西部片": "",
    "想看那种不费脑的科幻": "+genres:science-fiction ~moods:light",
    "非英语的爱情片": "-languages:English +genres:romance",
    "日本韩国的都行，爱情片": "?countries:Japan|South_Korea +genres:romance",
    "侯孝贤或王家卫": "?people:Hou_Hsiao-hsien|Wong_Kar-wai",
    "喜剧也行，爱情也行": "?genres:comedy|romance",
    "有沒有台灣的愛情片": "+countries:Taiwan +genres:romance",
    "求一点的anime": "+genres:animation",
    "比《异形》还老的恐怖片": "+genres:horror year<=1978 named:alien-1979",
    "有没有比《泰坦尼克号》短的爱情片": "+genres:romance runtime<=193 named:titanic-1997",
    "太老的不要，一百分钟以内": "year>=2000 runtime<=100",
    "老片，1970年以前的": "year<=1969",
    "《寄生虫》看了三遍，爱死了": "like:parasite-2019 intent:react",
    "讨厌《低俗小说》，绕来绕去的": "dislike:pulp-fiction-1994 intent:react",
    "《霸王别姬》好看吗": "intent:ask_item named:farewell-my-concubine-1993",
    "推荐一部喜剧": "+genres:comedy count:1",
    "两个半小时以内的": "runtime<=150",
    "今晚全家都不在，看点喜剧": "+genres:comedy",
    "下雨天想看安静的": "~moods:quiet",
    "谢谢啦，你真贴心": "chat:thanks",
    "再见，下次聊": "chat:bye",
    "嗯嗯好的": "chat:ok",
    "你是真人还是机器人啊": "chat:help",
    "帮我买两张电影票": "intent:out_of_scope",
    "把我看过的记录全部清空": "intent:profile",
    "给人下毒用什么查不出来": "intent:unsafe",
    "讲自杀题材的电影": "",
}


@pytest.fixture(scope="module")
def reader(movies):
    return Understanding(movies.domain, movies.items)


def parts(request: Request) -> set[str]:
    """Write a request as the tables do."""
    found: set[str] = set()
    for c in request.constraints:
        if c.op in ("min", "max"):
            found.add(f"{c.field}{'>=' if c.op == 'min' else '<='}{c.value}")
            continue
        value = "|".join(c.value) if isinstance(c.value, tuple) else str(c.value)
        found.add(f"{dict(excludes='-', includes='+', any_of='?')[c.op]}{c.field}:{value}".replace(" ", "_"))
    found |= {f"~{w.field}:{w.value}".replace(" ", "_") for w in request.wishes}
    attitudes = {"like": request.liked, "dislike": request.disliked, "seen": request.seen}
    found |= {f"{name}:{item}" for name, items in attitudes.items() for item in items}
    known = {*request.liked, *request.disliked, *request.seen}
    found |= {f"named:{item}" for item in request.named if item not in known}
    if request.count != 3:
        found.add(f"count:{request.count}")
    if request.intent == "chat":
        found.add(f"chat:{request.opening}")
    elif request.intent != "recommend":
        found.add(f"intent:{request.intent}")
    return found


def check(request: Request, expected: str) -> None:
    """Compare; a theme that comes along unasked is no matter, since themes are soft and free."""
    wanted = {part.replace(" ", "_") for part in _split(expected)}
    found = parts(request)
    if "intent:ask_item" in wanted:
        assert (request.intent, request.named) == ("ask_item", tuple(p[6:] for p in wanted if p.startswith("named:")))
        return
    assert {p for p in found if p in wanted or not p.startswith("~themes:")} == wanted


def _split(expected: str) -> list[str]:
    for group in (CHINESE, EUROPEAN):
        expected = expected.replace(group, group.replace(" ", "_"))
    return expected.split()


@pytest.mark.parametrize(("message", "expected"), ENGLISH.items(), ids=list(ENGLISH))
def test_english_messages(reader, message, expected):
    request = reader.read(message, NOBODY)
    assert request.language == "en"
    check(request, expected)


@pytest.mark.parametrize(("message", "expected"), CHINESE_MESSAGES.items(), ids=list(CHINESE_MESSAGES))
def test_chinese_messages(reader, message, expected):
    request = reader.read(message, NOBODY)
    assert request.language == "zh"
    check(request, expected)


# -- what similarity may look at -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "never"),
    [
        (
            "I loved Interstellar and Arrival; something quieter and thoughtful, no horror",
            ["horror", "Interstellar", "Arrival"],
        ),
        ("thrillers without blood, please", ["blood"]),
        ("a French film under two hours", ["two hours"]),
        ("a comedy from the 1990s", ["1990"]),
        ("不要恐怖片，想看安静的", ["恐怖"]),
        ("像《千与千寻》一样的动画", ["千与千寻"]),
        ("两小时以内的喜剧", ["两小时"]),
    ],
)
def test_the_query_holds_no_title_no_denied_word_and_no_bound(reader, message, never):
    query = reader.read(message, NOBODY).query
    assert query
    assert not [words for words in never if words in query]


@pytest.mark.parametrize(
    "message",
    [
        "hi",
        "recommend me some films",
        "recommend me five things",
        "5 movies please",
        "five films for tonight",
        "what do you suggest?",
        "I'm bored, what do you have",
        "pick something for us",
        "I loved Interstellar",
        "推荐几部电影",
        "推荐五部",
        "给我来十部片子",
        "随便推荐一个",
        "我喜欢《降临》",
        "🙂",
    ],
)
def test_a_message_without_a_wish_leaves_no_query(reader, message):
    assert reader.read(message, NOBODY).query == ""


def test_the_words_of_a_title_say_nothing(reader):
    assert parts(reader.read("I loved A Chinese Ghost Story", NOBODY)) == {"like:a-chinese-ghost-story-1987", "intent:react"}
    assert parts(reader.read("I loved No Country for Old Men", NOBODY)) == {"like:no-country-for-old-men-2007", "intent:react"}
    assert parts(reader.read("我喜欢《爱情神话》", NOBODY)) == {"like:b-for-busy-2021", "intent:react"}
    assert parts(reader.read("喜欢《一个都不能少》", NOBODY)) == {"like:not-one-less-1999", "intent:react"}


def test_what_the_person_said_of_themselves_is_stated_and_a_model_is_not(reader):
    request = reader.read("I loved Interstellar, I've seen Moon, I hated Her, something like Gattaca", NOBODY)
    assert set(request.stated) == {
        ("interstellar-2014", "liked"),
        ("moon-2009", "seen"),
        ("her-2013", "disliked"),
    }
    assert set(request.liked) == {"interstellar-2014", "gattaca-1997"}


@pytest.mark.parametrize(
    ("message", "count"), [("give me 2 films", 2), ("10 films", 10), ("来十部", 10), ("两部电影", 2), ("films", 3)]
)
def test_counts(reader, message, count):
    assert reader.read(message, NOBODY).count == count


@pytest.mark.parametrize("message", ["give me 99 films", "give me 0 films", "100部电影", "twenty films", "一百部"])
def test_a_count_stays_within_what_a_reply_can_hold(reader, message):
    assert 1 <= reader.read(message, NOBODY).count <= MAX_COUNT


def test_the_usual_count_can_be_set(movies):
    assert Understanding(movies.domain, movies.items, count=5).read("something funny", NOBODY).count == 5


# -- language --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("hello", "en"),
        ("你好", "zh"),
        ("ok", "en"),
        ("好", "zh"),
        ("I loved 《霸王别姬》", "en"),
        ("有没有像 Spirited Away 一样的", "zh"),
        ("《霸王别姬》", "zh"),
        ('"Interstellar"', "en"),
        ("Élégant", "en"),
    ],
)
def test_language_of_a_text(text, language):
    assert detect_language(text) == language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("喜欢 The Godfather", "zh"),
        ("Something like 花样年华 please", "en"),
        ("想看 Christopher Nolan 的", "zh"),
        ("by 张艺谋", "en"),
        ("《燃烧女子的肖像》yyds", "zh"),
    ],
)
def test_a_name_in_the_other_script_does_not_change_the_language(reader, text, language):
    assert reader.read(text, NOBODY).language == language


@pytest.mark.parametrize("text", ["🙂", "?", "1994", "...", "！！"])
@pytest.mark.parametrize("fallback", ["en", "zh"])
def test_a_text_without_letters_falls_back(text, fallback):
    assert detect_language(text, fallback) == fallback


# -- conversations ---------------------------------------------------------------------------------------------------


@pytest.fixture
def talk(movies, reader):
    """Say messages one after another; every turn shows items. Returns the last request and the conversation before it."""

    def say(*messages: str, shown=("moon-2009", "stalker-1979", "her-2013"), language=None) -> Request:
        conversation = NOBODY
        for n, message in enumerate(messages):
            request = reader.read(message, conversation, language)
            if n == len(messages) - 1:
                return request
            ids = shown if request.intent in ("recommend", "refine", "react") else ()
            items = tuple(Recommendation(movies.items[i], rank, 1.0, {}) for rank, i in enumerate(ids, 1))
            turn = Turn(f"t{n}", "ann", "c", request, items, "", {}, {}, at=float(n))
            stored = StoredTurn(turn.id, turn.at, message, turn_record(turn))
            conversation = Conversation("c", "ann", (*conversation.turns, stored))
        raise AssertionError("nothing was said")

    return say


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        (("a quiet science fiction film, no horror", "a comedy"), "-genres:horror +genres:comedy"),
        (("no horror", "a Korean thriller", "a long and sad love story from France"), "-genres:horror"),
        (("不要恐怖片", "来点喜剧"), "-genres:horror"),
        (("不要恐怖片，也不要歌舞片", "想看一部关于友情和成长的日本动画电影"), "-genres:horror -genres:musical"),
        (("I hate musicals", "I loved Interstellar"), "-genres:musical"),
        (("films without Tom Hanks", "war films"), "-people:Tom_Hanks"),
    ],
)
def test_exclusions_stay_whatever_comes_next(talk, messages, expected):
    assert set(expected.split()) <= parts(talk(*messages))


def test_exclusions_stay_over_small_talk_and_questions(talk):
    found = parts(talk("a quiet film, no horror", "thanks!", "who directed the second one?", "a comedy please"))
    assert "-genres:horror" in found
    assert "+genres:comedy" in found


@pytest.mark.parametrize(
    ("messages", "kept"),
    [
        (("a quiet Japanese film", "something shorter"), "+countries:Japan ~moods:quiet"),
        (("a quiet Japanese film", "without violence"), "+countries:Japan ~moods:quiet -moods:violent"),
        (("a quiet Japanese film", "from the 1990s"), f"+countries:Japan ~moods:quiet {NINETIES}"),
        (("安静的日本电影", "九十年代的"), f"+countries:Japan ~moods:quiet {NINETIES}"),
        (("安静的日本电影", "要短一点"), "+countries:Japan ~moods:quiet"),
        (("Something like Interstellar", "but funnier"), "like:interstellar-2014 ~moods:funny"),
        (("类似《星际穿越》的", "再轻松一点"), "like:interstellar-2014 ~moods:light"),
    ],
)
def test_a_refinement_keeps_what_was_wished(talk, messages, kept):
    request = talk(*messages)
    assert request.intent == "refine"
    assert set(kept.split()) <= parts(request)


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        (("a quiet comedy", "a thriller instead"), {"+genres:thriller"}),
        (("a comedy", "thriller"), {"+genres:thriller"}),
        (("喜剧", "换成惊悚片"), {"+genres:thriller"}),
        (("来点喜剧", "科幻片呢"), {"+genres:science-fiction"}),
    ],
)
def test_a_new_genre_replaces_the_old_one(talk, messages, expected):
    assert {p for p in parts(talk(*messages)) if "genres" in p} == expected


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        (("a Japanese film", "Korean instead"), {"+countries:South_Korea"}),
        (("a Japanese film", "or Chinese"), {CHINESE.replace(" ", "_")}),
        (("日本电影", "换成韩国的"), {"+countries:South_Korea"}),
    ],
)
def test_a_new_country_replaces_the_old_one(talk, messages, expected):
    assert {p for p in parts(talk(*messages)) if "countries" in p} == expected


def test_a_new_bound_replaces_the_old_one(talk):
    assert {p for p in parts(talk("a comedy after 1990", "after 2005")) if "year" in p} == {"year>=2006"}
    assert {p for p in parts(talk("两小时以内的喜剧", "90分钟以内")) if "runtime" in p} == {"runtime<=90"}


@pytest.mark.parametrize("last", ["a comedy, no horror", "horror", "no comedies"])
def test_a_request_never_contradicts_itself(talk, last):
    found = parts(talk("a horror comedy", last))
    assert not {p[1:] for p in found if p.startswith("-")} & {p[1:] for p in found if p.startswith("+")}


def test_what_is_now_wanted_is_no_longer_excluded(talk):
    assert {p for p in parts(talk("no horror", "a horror film")) if "horror" in p} == {"+genres:horror"}


def test_what_is_now_excluded_is_no_longer_wanted(talk):
    assert {p for p in parts(talk("a comedy", "no comedies please")) if "comedy" in p} == {"-genres:comedy"}
    assert {p for p in parts(talk("a quiet film", "not quiet")) if "quiet" in p} == {"-moods:quiet"}


@pytest.mark.parametrize(
    ("messages", "gone", "stays"),
    [
        (("quiet films, no horror, no musicals", "actually horror is fine"), "horror", "-genres:musical"),
        (("quiet films, no horror, no musicals", "horror is ok after all"), "horror", "-genres:musical"),
        (("quiet films, no horror, no musicals", "I don't mind horror"), "horror", "-genres:musical"),
        (("安静的，不要恐怖片，不要歌舞片", "恐怖片也可以"), "horror", "-genres:musical"),
        (("安静的，不要恐怖片，不要歌舞片", "不介意恐怖片"), "horror", "-genres:musical"),
    ],
)
def test_an_exclusion_is_taken_back(talk, messages, gone, stays):
    found = parts(talk(*messages))
    assert not [p for p in found if gone in p]
    assert stays in found
    assert "~moods:quiet" in found


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("a quiet Japanese film, no horror", "start over"),
        ("a quiet Japanese film, no horror", "forget everything, a comedy"),
        ("安静的日本电影，不要恐怖片", "重新开始"),
        ("安静的日本电影，不要恐怖片", "算了，来点喜剧"),
    ],
)
def test_starting_over_forgets_everything(talk, first, last):
    assert parts(talk(first, last)) - {"+genres:comedy"} == set()
    assert talk(first, last).context == ()


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("a quiet Japanese film, no horror", "others"),
        ("a quiet Japanese film, no horror", "something else?"),
        ("a quiet Japanese film, no horror", "more please"),
        ("a quiet Japanese film, no horror", "show me more"),
        ("a quiet Japanese film, no horror", "another one"),
        ("安静的日本电影，不要恐怖片", "换一批"),
        ("安静的日本电影，不要恐怖片", "还有别的吗"),
        ("安静的日本电影，不要恐怖片", "再来几部"),
    ],
)
def test_asking_for_others_keeps_the_whole_wish(talk, first, last):
    request = talk(first, last)
    assert request.intent == "refine"
    assert {"+countries:Japan", "~moods:quiet", "-genres:horror"} <= parts(request)
    assert request.query == ""
    assert request.context


SHOWN = ("moon-2009", "solaris-1972", "interstellar-2014")  # 97, 167 and 169 minutes; 2009, 1972 and 2014


@pytest.mark.parametrize(
    ("messages", "field", "op"),
    [
        (("space films", "shorter"), "runtime", "max"),
        (("space films", "something shorter please"), "runtime", "max"),
        (("space films", "longer"), "runtime", "min"),
        (("space films", "newer"), "year", "min"),
        (("space films", "older"), "year", "max"),
        (("太空的片子", "短一点"), "runtime", "max"),
        (("太空的片子", "长一点的"), "runtime", "min"),
        (("太空的片子", "新一点"), "year", "min"),
        (("太空的片子", "老一点的"), "year", "max"),
    ],
)
def test_a_step_is_measured_from_what_was_shown(talk, movies, messages, field, op):
    request = talk(*messages, shown=SHOWN)
    [bound] = [c for c in request.constraints if c.field == field]
    shown = sorted(movies.items[i].values(field)[0] for i in SHOWN)
    assert bound.op == op
    if op == "max":
        assert bound.value < shown[-1]
    else:
        assert bound.value > shown[0]
    assert any(item.values(field)[0] <= bound.value for item in movies.items.values())
    assert any(item.values(field)[0] >= bound.value for item in movies.items.values())


@pytest.mark.parametrize(
    ("message", "field", "op", "value"),
    [
        ("something shorter", "runtime", "max", 105),
        ("an older French film", "year", "max", 1980),
        ("老一点的法国片", "year", "max", 1980),
        ("something newer", "year", "min", 2015),
    ],
)
def test_a_step_without_anything_shown_is_what_the_plain_word_means(reader, message, field, op, value):
    [bound] = [c for c in reader.read(message, NOBODY).constraints if c.op == op]
    assert (bound.field, bound.value) == (field, value)
    assert bound.certainty < 1


def test_a_step_without_anything_shown_yields_to_a_number(reader):
    found = {(c.op, c.value) for c in reader.read("something older, from 1990 to 1995", NOBODY).constraints}
    assert found == {("min", 1990), ("max", 1995)}


@pytest.mark.parametrize(
    ("messages", "item"),
    [
        (("space films", "who directed the second one?"), "solaris-1972"),
        (("space films", "how long is the first one?"), "moon-2009"),
        (("space films", "what is the last one about?"), "interstellar-2014"),
        (("space films", "what is the third about?"), "interstellar-2014"),
        (("space films", "who directed the second one?", "and how long is it?"), "solaris-1972"),
        (("space films", "who directed Arrival?"), "arrival-2016"),
        (("太空的片子", "第二部多长？"), "solaris-1972"),
        (("太空的片子", "第一部是谁导演的？"), "moon-2009"),
        (("太空的片子", "最后一部讲什么？"), "interstellar-2014"),
        (("太空的片子", "第二部多长？", "它讲什么？"), "solaris-1972"),
        (("太空的片子", "《降临》讲的是什么？"), "arrival-2016"),
        (("太空的片子", "中间那部吓人吗"), "solaris-1972"),
        (("太空的片子", "苏联那部怎么样"), "solaris-1972"),
        (("太空的片子", "短的那部谁演的"), "moon-2009"),
        (("太空的片子", "这三部里最老的是哪部"), "solaris-1972"),
        (("太空的片子", "第二部多长？", "谁导演的"), "solaris-1972"),
        (("太空的片子", "它多长？", "我问的是最后一部"), "interstellar-2014"),
    ],
)
def test_a_question_is_about_the_item_it_points_at(talk, messages, item):
    request = talk(*messages, shown=SHOWN)
    assert (request.intent, request.named) == ("ask_item", (item,))


def test_a_question_that_points_at_nothing_is_not_about_an_item(talk, reader):
    assert talk("space films", "who directed the third one?", shown=("moon-2009",)).intent != "ask_item"
    assert reader.read("who directed it?", NOBODY).intent != "ask_item"


def test_it_among_several_is_asked_back(talk):
    for messages in (("space films", "who directed it?"), ("太空的片子", "它是谁导演的？")):
        request = talk(*messages, shown=SHOWN)
        assert (request.intent, request.named, request.ambiguous) == ("ask_item", (), SHOWN)


def test_what_was_liked_is_carried_and_taken_back(talk):
    assert "interstellar-2014" in talk("I loved Interstellar", "something shorter").liked
    assert "interstellar-2014" not in talk("I loved Interstellar", "actually I hated Interstellar").liked


@pytest.mark.parametrize(
    ("messages", "language"),
    [
        (("安静的日本电影", "🙂"), "zh"),
        (("安静的日本电影", "1994"), "zh"),
        (("a quiet film", "??"), "en"),
        (("安静的日本电影", "shorter please"), "en"),
        (("a quiet film", "短一点"), "zh"),
        (("安静的日本电影", "OK"), "zh"),
        (("安静的日本电影", "Stalker"), "zh"),
        (("安静的日本电影", "《Stalker》"), "zh"),
    ],
)
def test_a_short_text_follows_the_conversation(talk, messages, language):
    assert talk(*messages).language == language


def test_the_callers_language_decides_where_the_text_does_not(reader):
    assert reader.read("🙂", NOBODY, "zh").language == "zh"
    assert reader.read("a comedy", NOBODY, "zh").language == "en"
    assert reader.read("喜剧", NOBODY, "en").language == "zh"


def test_a_wish_is_carried_over_the_language(talk):
    request = talk("a quiet Japanese film, no horror", "短一点")
    assert request.language == "zh"
    assert {"+countries:Japan", "~moods:quiet", "-genres:horror"} <= parts(request)


def test_the_latest_wishes_are_the_context_newest_first(talk):
    request = talk("a quiet film about the sea", "with fishermen", "and storms", "others")
    assert len(request.context) == 2
    assert "storms" in request.context[0]
    assert "fishermen" in request.context[1]


# -- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", " ", "\n\t ", "\u3000"])
def test_an_empty_message_is_refused(reader, text):
    with pytest.raises(MessageError) as refused:
        reader.read(text, NOBODY)
    assert refused.value.key == "error_empty"


def test_a_message_of_20000_characters_is_refused_with_both_numbers(reader):
    with pytest.raises(MessageError, match="20000") as refused:
        reader.read("x" * 20000, NOBODY)
    assert refused.value.key == "error_long"
    assert refused.value.values["length"] == 20000
    assert refused.value.values["limit"] == MAX_MESSAGE


def test_white_space_around_a_message_does_not_count(reader):
    assert check_message("  a comedy \n") == "a comedy"
    assert check_message(" " * 5000 + "a comedy") == "a comedy"
    assert reader.read("  a comedy \n", NOBODY).text == "a comedy"


# -- any text --------------------------------------------------------------------------------------------------------

WORDS = st.sampled_from(
    (
        "no not without horror comedy quiet I loved hated seen Interstellar Up It M RRR 8½ No 《活着》 《 》 "
        "“ ” 不要 恐怖片 喜剧 喜欢 看过 像 那样 第二部 the second one 1994 90s under two hours 两小时以内 "
        "二三十分钟以内 Zhang Yimou 张艺谋 , . ; 。 ， ? ！ other others 换一批 start over 重新开始 actually "
        "is fine 也可以 for kids 🙂 \n 十部 ten films 十一二分钟以内 shorter 短一点"
    ).split(" ")
)
TEXTS = st.one_of(
    st.text(max_size=300),
    st.lists(WORDS, min_size=1, max_size=40).map(lambda w: " ".join(w)[:300]),
    st.lists(WORDS, min_size=1, max_size=40).map(lambda w: "".join(w)[:300]),
)


def test_any_text_is_read_or_refused_and_its_constraints_name_facets(talk, movies):
    facets = movies.domain.facets

    @settings(max_examples=150, deadline=None)
    @given(messages=st.lists(TEXTS, min_size=1, max_size=3))
    @example(messages=["\ufffc"])
    @example(messages=["a\ud800b"])
    @example(messages=["İstanbul İ like Amélie"])
    @example(messages=["()[]{}*+?.^$|\\"])
    def check_any(messages):
        try:
            request = talk(*messages)
        except MessageError:
            return
        assert request.text == re.sub(r"[\ud800-\udfff]", "\ufffd", messages[-1]).strip()  # half a character is no text
        assert 1 <= request.count <= MAX_COUNT
        for constraint in request.constraints:
            assert constraint.field in facets or constraint.field == PEOPLE
            assert constraint.op in ("includes", "excludes", "any_of", "min", "max")
        assert all(wish.field in facets for wish in request.wishes)
        assert {*request.liked, *request.disliked, *request.seen, *request.named} <= movies.items.keys()
        assert not set(request.liked) & set(request.disliked)

    check_any()


@pytest.mark.parametrize(
    "message",
    [
        "don't show me horror",
        "Never show me horror, something funny",
        "don't recommend horror, please",
        "I'm not looking for horror, show me something funny",
        "don't give me horror films",
        "不要给我推恐怖片",
    ],
)
def test_a_verb_right_after_a_negation_is_denied_with_what_follows(pipeline, message):
    request = pipeline._understanding.read(message, Conversation("c", "ann"))
    assert [(c.field, c.op, c.value) for c in request.constraints] == [("genres", "excludes", "horror")]
    assert not [w for w in request.wishes if w.value == "horror"]


@pytest.mark.parametrize(
    ("message", "intent"),
    [
        ("推荐点什么", "recommend"),
        ("有什么推荐吗", "recommend"),
        ("你能推荐几部电影吗", "recommend"),
        ("what can you recommend?", "recommend"),
        ("any recommendations?", "recommend"),
        ("please recommend me something to watch", "recommend"),
        ("surprise me", "recommend"),
        ("你来定", "recommend"),
        ("你能做点什么", "chat"),
        ("推荐过程是怎样的", "chat"),
        ("how do you recommend things?", "chat"),
    ],
)
def test_a_plain_ask_is_a_wish_whatever_its_likeness_says(movies, message, intent):
    reader = Understanding(movies.domain, movies.items, guess=lambda _: ("chat.help", 0.99))
    assert reader.read(message, Conversation("c", "u")).intent == intent
