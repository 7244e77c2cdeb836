<?php

$EM_CONF[$_EXTKEY] = [
    'title' => 'Mieterportal',
    'description' => 'Residents report damage, see their Vorgänge, letters and documents inside your pages; everything goes on to immotion.',
    'category' => 'plugin',
    'state' => 'beta',
    'version' => '0.1.0',
    'constraints' => [
        'depends' => [
            'php' => '8.2.0-8.5.99',
            'typo3' => '13.4.0-14.3.99',
            'backend' => '13.4.0-14.3.99',
            'extbase' => '13.4.0-14.3.99',
            'fluid' => '13.4.0-14.3.99',
            'frontend' => '13.4.0-14.3.99',
        ],
        'suggests' => [
            'felogin' => '',
            'dashboard' => '',
        ],
    ],
];
