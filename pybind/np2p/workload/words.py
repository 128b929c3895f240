"""Phrases that simulated users write with, by language, and how often each language comes. Written for this project."""

from __future__ import annotations

# Share of posts per hundred.
LANGUAGES: dict[str, int] = {"en": 50, "ja": 18, "es": 9, "pt": 7, "de": 7, "zh": 5, "fr": 4}

PHRASES: dict[str, tuple[str, ...]] = {
    "en": (
        "good morning everyone",
        "I just moved my server to the kitchen shelf",
        "the fan finally stopped rattling",
        "has anybody tried this behind two routers?",
        "coffee first, then the logs",
        "we went up the hill before sunrise",
        "it rained the whole afternoon",
        "my neighbour's cat keeps visiting",
        "that talk was much better than I expected",
        "I am not sure I agree, but I see the point",
        "reading an old book about sailing ships",
        "the bread came out a little flat again",
        "no ads, no feed that knows better than me",
        "small networks feel like small towns",
        "does somebody have a link to the source?",
        "thanks for the help yesterday",
        "still thinking about last night's concert",
        "I measured it twice and it really is faster",
        "please back up your keys",
        "this is the third reboot today",
        "the garden is full of tomatoes",
        "train is late, so here are some pictures",
        "what would you do with a whole free week?",
        "I learned more from that bug than from any course",
        "see you at the meetup on Thursday",
    ),
    "ja": (
        "おはようございます",
        "今日は朝から雨が降っています",
        "サーバーの引っ越しが終わりました",
        "コーヒーを飲みながらログを眺める時間が好き",
        "ルーターの設定でまた一時間使ってしまった",
        "この前の話の続きを書きました",
        "近所に新しいパン屋ができた",
        "誰か同じ現象の人いますか",
        "電車が遅れているので写真でも",
        "猫が膝から動いてくれない",
        "鍵のバックアップは忘れずに",
        "週末は山に行くつもりです",
        "思ったより速くて驚いた",
        "夕飯はカレーにします",
    ),
    "es": (
        "buenos días a todos",
        "ya tengo el servidor en casa y funciona",
        "alguien más lo ha probado detrás de dos routers?",
        "hoy llueve y no pienso salir",
        "me quedé leyendo hasta las tres",
        "qué buena estuvo la charla de ayer",
        "el café de la esquina volvió a abrir",
        "guarden bien sus claves",
        "no estoy de acuerdo, pero entiendo la idea",
        "mañana subimos al cerro temprano",
        "gracias por la ayuda",
    ),
    "pt": (
        "bom dia, pessoal",
        "o servidor ficou no ar a semana inteira",
        "alguém sabe por que a porta fecha sozinha?",
        "hoje tem pão de queijo",
        "a praia estava vazia e o mar calmo",
        "ainda estou aprendendo, mas já gostei",
        "façam cópia das suas chaves",
        "que saudade de uma boa conversa",
        "o ônibus atrasou de novo",
        "valeu pela dica",
    ),
    "de": (
        "guten Morgen zusammen",
        "der kleine Rechner im Flur läuft jetzt seit hundert Tagen",
        "hat das schon jemand hinter zwei Routern versucht?",
        "es regnet, also wird heute aufgeräumt",
        "das Brot ist diesmal wirklich gelungen",
        "ich sehe das anders, verstehe aber den Gedanken",
        "der Zug hat wieder Verspätung",
        "bitte sichert eure Schlüssel",
        "am Wochenende geht es in die Berge",
        "danke für die Hilfe gestern",
    ),
    "zh": (
        "大家早上好",
        "服务器终于搬到家里了",
        "今天下了一整天的雨",
        "有人在两层路由器后面试过吗",
        "记得备份自己的密钥",
        "楼下新开了一家面馆",
        "比我想象的快很多",
        "周末去爬山",
        "昨天的讨论很有意思",
        "谢谢大家的帮助",
    ),
    "fr": (
        "bonjour à tous",
        "le serveur tourne enfin dans le placard",
        "quelqu'un a-t-il essayé derrière deux routeurs ?",
        "il pleut, je reste à lire",
        "le pain est un peu trop cuit",
        "je ne suis pas d'accord, mais je comprends",
        "pensez à sauvegarder vos clés",
        "le train est encore en retard",
        "merci pour le coup de main",
        "on se voit jeudi",
    ),
}

JOIN: dict[str, str] = {"ja": "。", "zh": "。"}  # between phrases; everywhere else ". "

EMOJI = ("🌅", "☕", "😂", "🙏", "🔥", "💜", "🤙", "👀", "🌧️", "🐈", "🚀", "🍞", "⛰️", "🎶", "👩‍💻", "🇧🇷")

TAGS = ("#nostr", "#p2p", "#selfhosted", "#coffeechain", "#introductions", "#写真", "#music", "#gm", "#plebchain")

LINKS = (
    "https://example.org/notes/{:04x}",
    "https://pictures.example.net/{:08x}.jpg",
    "https://git.example.com/tools/net/issues/{:d}",
    "https://video.example.org/watch?v={:010x}",
)
