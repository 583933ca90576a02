"""Words and patterns that open far too many doors: the first a guesser tries. Lower case, pure.

A password is compared without what people put round a word: digits and signs before and behind.
Shorter stems stand here once for all their decorated forms.
"""

from __future__ import annotations

from typing import Final

COMMON: Final = frozenset(
    """
    password passwort passw0rd p@ssword p@ssw0rd pass password password1 haslo hasło mojehaslo
    mojehasło twojehaslo nowehaslo tajnehaslo tajne sekret secret hasloo haslohaslo qwerty qwertz
    qwerty1 qwertyui qwertyuiop qwertyqwerty qwertzuiop azerty azertyuiop asdfgh asdfghj asdfghjkl
    asdfasdf asdasd zxcvbn zxcvbnm zxcvbnmm qazwsx qazwsxedc wsxedc qweasd qweasdzxc qweqwe qwe asd
    zaqwsx zaq1xsw2 zaq12wsx 1qaz2wsx 1qaz2wsx3edc 1q2w3e 1q2w3e4r 1q2w3e4r5t q1w2e3 q1w2e3r4
    q1w2e3r4t5 123qwe 123qweasd qwe123 abc abc123 abcd abcdef abcdefg abcdefgh aaaaaa aaaaaaaa
    letmein welcome witam witaj login admin administrator root user guest test tester testtest
    demo demodemo default changeme zmienmnie zmień dupa dupadupa kurwa kurwamac matrix master
    shadow monkey dragon małpa smok smoki football soccer futbol piłka pilka pilkanozna baseball
    basketball hockey superman batman spiderman starwars pokemon minecraft samsung iphone android
    google facebook internet komputer computer windows microsoft apple linux ubuntu oracle
    iloveyou kocham kochamcie kochamcię kochanie misiek misiaczek misia kotek kociak piesek
    kwiatek słoneczko sloneczko slonce słońce sunshine princess ksiezniczka księżniczka aniołek
    aniolek angel lovely love lovelove forever freedom wolnosc wolność flower happy hello hellohello
    whatever trustno access supersecret nothing michael michal michał jordan michelle jennifer
    jessica ashley daniel thomas robert charlie andrew george hunter harley ranger buster soccer
    tigger pepper ginger maggie summer winter spring autumn lato zima wiosna jesien jesień
    agnieszka aleksandra alicja andrzej aneta anita anna annaanna bartek bartosz barbara beata
    dominik dominika dorota edyta ewelina ewa grzegorz iwona jakub joanna julia justyna kacper
    kamil kamila karolina karol kasia katarzyna kinga klaudia krystyna krzysztof krzysiek lukasz
    łukasz maciej maciek magda magdalena malgorzata małgorzata marcin marek maria mariusz marta
    martyna martynka mateusz milena monika natalia natalka oliwia patrycja patryk paulina pawel
    paweł piotr piotrek przemek rafal rafał renata sebastian sylwia szymon tomasz tomek weronika
    wiktoria wojtek wojciech zuzanna zuzia marysia babcia dziadek mama tata mamatata mamusia tatus
    polska polak polska1 warszawa krakow kraków gdansk gdańsk wroclaw wrocław poznan poznań lodz
    łódź lublin katowice szczecin legia lechpoznan wisla wisła lewandowski barcelona realmadrid
    chelsea liverpool arsenal manchester juventus bayern jezus jezuschrystus maryja bogjestmiloscia
    poniedzialek poniedziałek wtorek sroda środa czwartek piatek piątek sobota niedziela styczen
    styczeń luty marzec kwiecien kwiecień maj czerwiec lipiec sierpien sierpień wrzesien wrzesień
    pazdziernik październik listopad grudzien grudzień january february march april june july
    august september october november december monday tuesday wednesday thursday friday saturday
    sunday bank mojbank mójbank bankbank konto mojekonto karta mojakarta kartyplatnicze pieniadze
    pieniądze portfel money banking account card creditcard visa mastercard maestro amex blik pin
    portal kartosfera secure 3dsecure threeds threedsecure payment payments
    zażółć zazolc gazeta samochod samochód motor rower motocykl ferrari porsche mercedes bmw audi
    corvette mustang toyota honda yamaha suzuki kawasaki volvo skoda fiat polonez maluch
    cheese chocolate czekolada banana orange cookie coffee piwo piwko wodka wódka kawa herbata
    silver golden diamond purple yellow czerwony niebieski zielony czarny bialy biały
    killer hacker ninja pirate warrior phoenix eagle falcon tiger lion wolf panther scorpion
    mickey snoopy garfield simpsons gandalf frodo potter hogwarts yoda skywalker naruto
    """.split()  # noqa: SIM905 - a list of so many literals cannot be read
)
"""Stems that may not be a password, nor with digits and signs round them."""
