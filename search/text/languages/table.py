"""The languages: a line each, and the words of each that say nothing of what a text is about.

These words also tell which language a text is in, so each list has the ones that are the most frequent.
"""

from __future__ import annotations

from functools import cache

from search.text.languages.language import Language
from search.text.languages.stems import arabic, devanagari, korean, persian, portuguese, russian, urdu

_GERMAN = """
der die das den dem des ein eine einen einem einer eines und oder aber auch als am an auf aus bei beim bis dass da
damit dann denn doch dort durch er es fur hat hatte haben hatten habe hier ich ihm ihn ihr ihre ihren ihrem ihrer ihnen
im in ins ist sind war waren wird werden wurde wurden worden sein seine seinen seinem seiner seit sich sie so soll
sollen sowie uber um unter vom von vor wahrend was weil welche welcher welches wenn wer wie wir wo zu zum zur zwischen
mit nach nicht nur noch nun kein keine keinen keiner man mehr mir mich dich du dir uns euch jede jeder jedes dieser
diese dieses diesen diesem kann konnen konnte konnten muss mussen ob ohne schon gegen sehr etwa dabei daruber davon
wieder fur für über während können könnte müssen würde würden hätte hätten wäre
"""
_FRENCH = """
le la les l un une des de du d au aux a à et ou où mais que qu qui quoi dont ne pas plus n ce cet cette ces c ça se s sa
son ses leur leurs il elle ils elles on nous vous je j me m te t tu lui y en dans sur sous par pour avec sans entre chez
vers depuis pendant apres après avant comme si est sont était étaient être été a ont avait avaient avoir eu sera seront
serait fait faire aussi même très tout tous toute toutes peut peuvent quel quelle quels quelles comment pourquoi quand
lors ainsi selon contre mon ma mes ton ta tes notre votre nos vos
"""
_SPANISH = """
el la los las un una unos unas de del al a y e o u que qué quien quién quienes en con por para sin sobre entre desde
hasta hacia contra durante según se su sus lo le les me te nos mi tu es son era eran fue fueron ser sido está están
estaba estar ha han había haber hay como cómo pero más muy ya no ni si sí también cuando cuándo donde dónde porque este
esta estos estas ese esa esos esas esto eso todo toda todos todas otro otra otros otras cual cuál fueron tras ante
"""
_PORTUGUESE = """
o a os as um uma uns umas de do da dos das em no na nos nas ao à aos às por pelo pela pelos pelas para com sem sobre
entre desde até contra e ou mas que quem qual quais se seu sua seus suas lhe lhes me te nos é são era eram foi foram ser
sido está estão estava estar tem têm tinha ter há como porque quando onde mais muito já não nem também este esta estes
estas esse essa isso isto aquele aquela todo toda todos todas outro outra num numa ele ela eles elas eu você após
"""
_ITALIAN = """
il lo la i gli le l un uno una di del dello della dei degli delle d a al allo alla ai agli alle da dal dallo dalla dai
dagli dalle in nel nello nella nei negli nelle su sul sullo sulla sui sugli sulle con per tra fra e ed o ma che chi cui
non si se ne ci vi è sono era erano fu furono essere stato stata stati state ha hanno aveva avere come quando dove
perché più anche già suo sua suoi sue loro questo questa questi queste quello quella quelli quelle tutto tutti tutta
tutte ogni dopo prima contro senza sotto sopra verso mentre lui lei io noi voi mi ti
"""
_DUTCH = """
de het een en of maar van voor met op in aan bij naar om over door tot uit onder tegen tussen zonder te ten ter dat die
dit deze wat wie waar wanneer hoe welke is zijn was waren wordt worden werd werden heeft hebben had hadden er niet geen
ook nog al als dan zo meer hij zij ze wij we ik je u hem haar hun mij ons zich zal zullen zou zouden kan kunnen kon moet
moeten na sinds omdat toch
"""
_SWEDISH = """
och i att det som en ett den de på är av för med till har inte om men sig från så var vi han hon de dem du jag man när
där hur vad vem vilken vilka kan ska skulle hade blev blir bli blivit eller över under efter mot vid mellan utan också
mer än nu här detta denna dessa sin sitt sina hans hennes deras sedan enligt samt
"""
_DANISH = """
og i at det som en et den de på er af for med til har ikke om men sig fra så var vi han hun de dem du jeg man når der
hvor hvad hvem hvilken hvilke kan skal skulle havde blev bliver blive blevet eller over under efter mod ved mellem uden
også mere end nu her dette denne disse sin sit sine hans hendes deres siden ifølge samt
"""
_NORWEGIAN = """
og i at det som en et ei den de på er av for med til har ikke om men seg fra så var vi han hun de dem du jeg man når der
hvor hva hvem hvilken hvilke kan skal skulle hadde ble blir bli blitt eller over under etter mot ved mellom uten også
mer enn nå her dette denne disse sin sitt sine hans hennes deres siden ifølge samt
"""
_FINNISH = """
ja on ei oli ovat olivat että joka jotka se sen siitä sitä ne niiden hän hänen he heidän me minä sinä te tämä tämän nämä
kuin kun mutta myös mukaan tai vai jos niin ole olla ollut vain jo nyt vielä kanssa jälkeen ennen aikana mitä mikä kuka
missä milloin miten miksi joista jossa joiden sekä eli eikä eivät voi voivat pitää
"""
_HUNGARIAN = """
a az egy és vagy de hogy nem is meg ez ezt ezek azt azok ki aki akik mi mit ami amely hol mikor hogyan miért mint már
még csak van volt voltak lesz lett után előtt alatt között szerint által el fel be le sem ha akkor úgy így sok több
minden neki nekik ő ők én te mi ti egyik másik kell lehet
"""
_ROMANIAN = """
și a al ai ale în la de pe cu din pentru că nu este sunt era erau fost fi un o unui unei unor care ce cine unde când cum
sau dar mai se să si lui ei lor său sa săi sale aceasta acest această acești acele după până prin între despre fără
sub către doar foarte tot toate toți am ai are au avea va vor el ea ele noi voi eu
"""
_POLISH = """
i w we na z ze do o od po za przez dla przy pod nad bez oraz a ale lub czy że nie się jest są był była było byli były
być będzie będą ma mają to ten ta te tego tej tych tym jak który która które których co kto gdzie kiedy dlaczego już
tylko także również jego jej ich on ona oni one my ja ty więc jeszcze bardzo może
"""
_CZECH = """
a i v ve na z ze do o od po za pro při pod nad bez s se k ke ale nebo že ne je jsou byl byla bylo byli byly být bude
budou má mají to ten ta ty tento tato toto který která které kteří co kdo kde kdy jak proč už jen také jeho její jejich
on ona oni my já si jako podle mezi před
"""
_CATALAN = """
el la els les l un una uns unes de del dels d a al als i o però que qui en amb per sense sobre entre des fins contra no
és són era eren va van ha han ser estat es s se seu seva seus seves ho li més com quan on perquè aquest aquesta aquests
aquestes també ja molt
"""
_TURKISH = """
ve bir bu da de için ile o ne gibi daha çok en var yok olan olarak olduğu kadar sonra önce ama ya veya ki mi mı mu mü
değil her hem şu ben sen biz siz onlar onun bunu buna bunun ise göre kendi nasıl neden nerede kim hangi tarafından
ancak üzerinde
"""
_INDONESIAN = """
yang dan di ke dari untuk dengan pada dalam adalah ini itu tidak akan telah sudah oleh sebagai juga atau karena bahwa
saat para ada mereka dia kami kita saya anda lebih bisa dapat setelah sebelum hingga serta namun seperti apa siapa mana
"""
_RUSSIAN = """
и в во не что он на я с со как а то все она так его но да ты к у же вы за бы по только ее мне было вот от меня еще нет о
из ему когда даже ну ли если уже или ни быть был него до вас опять вам ведь там потом себя ничего ей может они тут где
есть надо ней для мы тебя их чем была сам чтоб без будто тоже себе под будет кто этот того потому этого какой ним здесь
этом мой тем чтобы нее были куда зачем при об это эта эти этой этих этому также который которая которые которого
которых которой которым после перед между через над более свою свои своей своих
"""
_UKRAINIAN = """
і й в у на не що він з із зі до за як а та але чи це ця ці цей цього його її їх для від по про при є був була було були
бути буде також який яка яке які якого якої яких вже після перед між через або ще тільки де коли хто ми ви вони вона я
"""
_BULGARIAN = """
и в във на не че с със за от до да се е са ще като по при но или а този тази това тези той тя те то ние вие аз си ги го
му ѝ им беше бяха бил била било били който която което които след преди между през още вече само къде кога кой как защо
"""
_ARABIC = """
في من على إلى الى عن مع هذا هذه ذلك تلك التي الذي الذين اللذين ان أن إن أو او ثم قد لقد لم لن لا ما كان كانت يكون تكون
هو هي هم هما نحن انا أنا انت كل بعد قبل بين حتى عند منذ خلال حيث كما لكن بل غير ليس ليست أي اي كيف متى اين أين لماذا من
و ف ب ل به بها له لها فيه فيها منه منها عليه عليها إليه عنه وقد وكان وفي ومن وهو وهي ولم ولا كذلك أيضا ايضا ضد
"""
_PERSIAN = """
و در به از که این را با است برای آن یک خود تا کرد بر هم نیز گفت می شود شد اما یا ما او هر بود دیگر باید پس اگر همه نه
آنها بین پیش چه چی کجا کی چرا چگونه دارد دارند کرده شده است بوده های ها ای وی
"""
_URDU = """
کے کی کا میں سے نے ہے ہیں کو اور پر یہ وہ کہ بھی تھا تھے تھی ہو گا گے گی اس ان ایک جو تو کر کیا کیے ہوئے ہوا ہوئی نہیں
لیے بعد تک اپنے اپنی اپنا ساتھ کہا والے والی والا رہا رہے رہی جا کون کب کہاں کیوں کیسے یا مگر لیکن
"""
_HINDI = """
के की का में से ने है हैं को और पर यह वह कि भी था थे थी हो गा गे गी इस उस इन उन एक जो तो कर किया किए हुए हुआ हुई नहीं
लिए बाद तक अपने अपनी अपना साथ वाले वाली वाला रहा रहे रही जा कौन कब कहाँ कहां क्यों कैसे क्या या मगर लेकिन ये वे द्वारा
गया गई गए होने होगा होगी जब तब अब यहाँ वहाँ सभी कुछ
"""
_MARATHI = """
आहे आहेत आणि या हा ही हे तो ती ते व च की ला ने मध्ये नाही होते होता होती झाला झाली झाले असे असा असून त्या त्यांनी
यांनी करण्यात येथे साठी पण कारण केली केला केले म्हणून काय कोण कुठे केव्हा
"""
_NEPALI = """
छ छन् र को का की मा ले लाई बाट पनि यो त्यो हो थियो थिए भने गरेको गरेका गर्ने भएको भएका
तर वा के कहाँ कहिले
"""
_GREEK = """
ο η το οι τα του της των τον την τους τις στο στη στην στον στα στους στις και κι να με για από που πως ότι δεν μη μην
θα είναι ήταν έχει έχουν είχε σε ως αλλά ή αν όταν πού ποιος τι αυτό αυτή αυτός αυτά μετά πριν μεταξύ κατά προς χωρίς
μας σας ένα μια ένας
"""

_EVERY = (
    Language("en", "English", "Latin", leads=True),
    Language("de", "German", "Latin", "german", words=_GERMAN),
    Language("fr", "French", "Latin", "french", words=_FRENCH),
    Language("es", "Spanish", "Latin", "spanish", words=_SPANISH),
    Language("pt", "Portuguese", "Latin", "portuguese", prepare=portuguese, words=_PORTUGUESE),
    Language("it", "Italian", "Latin", "italian", words=_ITALIAN),
    Language("nl", "Dutch", "Latin", "dutch", words=_DUTCH),
    Language("sv", "Swedish", "Latin", "swedish", words=_SWEDISH),
    Language("da", "Danish", "Latin", "danish", words=_DANISH),
    Language("no", "Norwegian", "Latin", "norwegian", words=_NORWEGIAN),
    Language("fi", "Finnish", "Latin", "finnish", words=_FINNISH),
    Language("hu", "Hungarian", "Latin", "hungarian", words=_HUNGARIAN),
    Language("ro", "Romanian", "Latin", "romanian", words=_ROMANIAN),
    Language("pl", "Polish", "Latin", "polish", words=_POLISH),
    Language("cs", "Czech", "Latin", "czech", words=_CZECH),
    Language("ca", "Catalan", "Latin", "catalan", words=_CATALAN),
    Language("tr", "Turkish", "Latin", "turkish", words=_TURKISH),
    Language("id", "Indonesian", "Latin", "indonesian", words=_INDONESIAN),
    Language("et", "Estonian", "Latin", "estonian"),
    Language("eu", "Basque", "Latin", "basque"),
    Language("ga", "Irish", "Latin", "irish"),
    Language("lt", "Lithuanian", "Latin", "lithuanian"),
    Language("ru", "Russian", "Cyrillic", "russian", leads=True, prepare=russian, words=_RUSSIAN),
    Language("uk", "Ukrainian", "Cyrillic", words=_UKRAINIAN),
    Language("bg", "Bulgarian", "Cyrillic", words=_BULGARIAN),
    Language("sr", "Serbian", "Cyrillic", "serbian"),
    Language("ar", "Arabic", "Arabic", "arabic", leads=True, prepare=arabic, words=_ARABIC),
    Language("fa", "Persian", "Arabic", "persian", prepare=persian, words=_PERSIAN),
    Language("ur", "Urdu", "Arabic", prepare=urdu, words=_URDU),
    Language("hi", "Hindi", "Devanagari", "hindi", leads=True, prepare=devanagari, words=_HINDI),
    Language("mr", "Marathi", "Devanagari", prepare=devanagari, words=_MARATHI),
    Language("ne", "Nepali", "Devanagari", "nepali", prepare=devanagari, words=_NEPALI),
    Language("el", "Greek", "Greek", "greek", leads=True, words=_GREEK),
    Language("hy", "Armenian", "Armenian", "armenian", leads=True),
    Language("ta", "Tamil", "Tamil", "tamil", leads=True),
    Language("ko", "Korean", "Hangul", leads=True, prepare=korean),
    Language("he", "Hebrew", "Hebrew", leads=True),
    Language("bn", "Bengali", "Bengali", leads=True),
    Language("gu", "Gujarati", "Gujarati", leads=True),
    Language("pa", "Punjabi", "Gurmukhi", leads=True),
    Language("kn", "Kannada", "Kannada", leads=True),
    Language("ml", "Malayalam", "Malayalam", leads=True),
    Language("te", "Telugu", "Telugu", leads=True),
    Language("si", "Sinhala", "Sinhala", leads=True),
    Language("ka", "Georgian", "Georgian", leads=True),
    Language("am", "Amharic", "Ethiopic", leads=True),
    Language("zh", "Chinese", "Han", leads=True),
    Language("ja", "Japanese", "Kana", leads=True),
    Language("th", "Thai", "Thai", leads=True),
    Language("lo", "Lao", "Lao", leads=True),
    Language("km", "Khmer", "Khmer", leads=True),
    Language("my", "Burmese", "Myanmar", leads=True),
)


@cache
def known() -> dict[str, Language]:
    """The languages by their codes."""
    return {language.code: language for language in _EVERY}
