"""The months in thirty-five languages, as dates are written: whole and short, in every case that a date takes.

The names are those of Unicode's CLDR, which a test compares, without accents and points: newspapers drop them.
"""

from __future__ import annotations

import unicodedata

_MONTHS = """
    january jan janvier janv januar enero ene gennaio gen janeiro januari tammikuuta tammi tammikuu stycznia sty
    styczen ledna led leden januara sijecnja sij sijecanj јануар јан января янв январь січня січ січень януари
    яну ianuarie ian ocak oca ιανουαριου ιαν ιανουαριοσ sausio saus sausis janvaris jaanuar jaan gener يناير
    ינואר ינו janner
    जनवरी มกราคม ژانویه জানুযারি জানুযারী جنوری
    ;
    february feb fevrier fevr februar febrero febbraio fevereiro fev februari helmikuuta helmi helmikuu lutego
    lut luty unora uno unor februara veljace velj veljaca фебруар феб февраля февр февраль лютого лют лютии
    февруари фев februarie febr subat sub φεβρουαριου φεβ φεβρουαριοσ vasario vas vasaris februaris veebruar
    veebr febrer فبراير פברואר פבר feber شباط
    फरवरी กมภาพันธ์ فوریه ফেবরুযারি ফেবরুযারী فروری
    ;
    march mar mars marz marzo marco maart mrt marts maaliskuuta maalis maaliskuu marca marzec brezna bre brezen
    marec ozujka ozu ozujak mart март мар марта березня бер березень martie marcius marc μαρτιου μαρ μαρτιοσ
    kovo kov kovas maret مارس מרץ اذار mrz
    मारच มีนาคม مارس মারচ مارچ
    ;
    april apr avril avr abril abr aprile huhtikuuta huhti huhtikuu kwietnia kwi kwiecien dubna dub duben aprila
    travnja tra travanj април апр апреля апрель квітня квіт квітень aprilie aprilis nisan nis απριλιου απρ
    απριλιοσ balandzio bal balandis aprill ابريل אפריל אפר نيسان
    अपरैल เมษายน اوریل এপরিল اپریل
    ;
    may mai mayo maggio mag maio mei maj toukokuuta touko toukokuu maja kvetna kve kveten svibnja svi svibanj
    мај мая маи травня трав травень majus mayıs μαιου μαι μαιοσ geguzes geg geguze maijs maig مايو מאי ايار
    मई พฤษภาคม مه می মে ميی
    ;
    june jun juin juni junio giugno giu junho kesakuuta kesa kesakuu czerwca cze czerwiec cervna cvn cerven juna
    junij lipnja lipanj јун июня июн июнь червня черв червень юни iunie iun junius haziran haz ιουνιου ιουν
    ιουνιοσ birzelio birz birzelis junijs juuni juny يونيو יוני حزيران
    जून มิถนายน ژوين জুন جون
    ;
    july jul juillet juil juli julio luglio lug julho heinakuuta heina heinakuu lipca lipiec cervence cvc
    cervenec jula julij srpnja srpanj јул июля июл июль липня лип липень юли iulie iul julius temmuz tem ιουλιου
    ιουλ ιουλιοσ liepos liep liepa julijs juuli juliol يوليو יולי تموز
    जुलाई กรกฎาคม ژويیه جولای জুলাই جولايی
    ;
    august aug aout agosto ago augustus augusti elokuuta elo elokuu agust agu sierpnia sie sierpien srpna srpen
    augusta avgust avg kolovoza kol kolovoz август авг августа серпня серп серпень augusztus agustos αυγουστου
    αυγ αυγουστοσ rugpjucio rugp rugpjutis augusts agost ag agustus اغسطس אוגוסט אוג اب
    अगसत สิงหาคม اوت اگوست আগসট اگست
    ;
    september sep septembre sept septiembre settembre set setembro syyskuuta syys syyskuu wrzesnia wrz wrzesien
    zari zar septembra rujna ruj rujan septembar септембар сеп сентября сент сентябрь вересня вер вересень
    септември septembrie szeptember szept eylul eyl σεπτεμβριου σεπ σεπτεμβριοσ rugsejo rugs rugsejis septembris
    setembre سبتمبر ספטמבר ספט ايلول
    सितंबर सितमबर กันยายน سپتامبر সেপটেমবর ستمبر
    ;
    october oct octobre oktober okt octubre ottobre ott outubro out lokakuuta loka lokakuu pazdziernika paz
    pazdziernik rijna rij rijen oktobra oktobar октобар окт октября октябрь жовтня жовт жовтень октомври
    octombrie ekim eki οκτωβριου οκτ οκτωβριοσ spalio spal spalis oktobris oktoober اكتوبر אוקטובר אוק octub
    अकटूबर अकतूबर ตลาคม اکتبر অকটোবর اکتوبر
    ;
    november nov novembre noviembre novembro marraskuuta marras marraskuu listopadu novembra studenoga stu
    studeni novembar новембар нов ноября нояб ноябрь листопада лист листопад ноември ное noiembrie kasım kas
    νοεμβριου νοε νοεμβριοσ lapkricio lapkr lapkritis novembris نوفمبر נובמבר נוב
    नवंबर नवमबर พฤศจิกายน نوامبر নভেমবর نومبر
    ;
    december dec decembre dezember dez diciembre dic dicembre dezembro desember des joulukuuta joulu joulukuu
    grudnia gru grudzien prosince pro prosinec decembra prosinca prosinac decembar децембар дец декабря дек
    декабрь грудня груд грудень декември decembrie aralık ara δεκεμβριου δεκ δεκεμβριοσ gruodzio gruod gruodis
    decembris detsember dets desembre ديسمبر דצמבר דצמ
    दिसंबर दिसमबर ธันวาคม دسامبر ডিসেমবর دسمبر
"""
NUMBERS = {name: number for number, names in enumerate(_MONTHS.split(";"), 1) for name in names.split()}
# In Croatian the month before: read as in Czech and Polish, and not certain.
TWO_MONTHS = {"listopad": 11, "listopada": 11, "lis": 11, "lip": 7, "srp": 8}
NUMBERS |= TWO_MONTHS


def bare(text: str) -> str:
    """Lower case without accents: "FÉVRIER" is "fevrier"."""
    text = text.casefold()
    if text.isascii():
        return text
    letters = (c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return unicodedata.normalize("NFC", "".join(letters))
